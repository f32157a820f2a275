"""Looking at a response on its way out."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

OnStart = Callable[[int, MutableHeaders], None]


def on_start(send: Send, look: OnStart) -> Send:
    """`send`, but the status and headers of the response are shown to `look` first, which may change the headers."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            look(message["status"], MutableHeaders(scope=message))
        await send(message)

    return sending
