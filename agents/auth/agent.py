"""The welcome agent: notes each new user once, when the broker brings them round. The mail is the notifications'."""

from agents.auth.events import UserCreated
from agents.auth.tables import Welcome, app, welcomes
from streams import Stream

created = app.topic("auth.user.created", value_type=UserCreated)


@app.agent(created, name="welcome", concurrency=64)
async def welcome(stream: Stream[UserCreated]) -> None:
    """One welcome for each user, however often the event comes."""
    async for event in stream.events():
        user_id = event.value.user_id
        _, version = await welcomes.get(user_id)
        if version == 0:
            await welcomes.put(user_id, Welcome(user_id, event.time), 0)
