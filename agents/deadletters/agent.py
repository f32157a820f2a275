"""The dead-letters agent: keeps the log of dead letters in a table."""

from agents.deadletters import rules
from agents.deadletters.tables import Letter, app, letters
from streams import Event, Stream
from streams.letters import LEFT_OUT
from topology.spec import DEAD_LETTERS

# A letter that comes again changes nothing: ids need not be remembered, and those of two agents' letters may be equal.
deaths = app.topic(DEAD_LETTERS, value_type=bytes, dedupe=None)


@app.agent(deaths, name="dead-letters")
async def keep(stream: Stream[bytes]) -> None:
    """The last death of each event, by agent and source."""
    async for event in stream.events():
        key = rules.key_of(event)
        kept = letters.get(key)
        if kept is None or kept.death != rules.death_of(event):
            letters[key] = letter_of(key, event)


def letter_of(key: str, event: Event[bytes]) -> Letter:
    """The row of a letter."""
    headers, details = event.headers, event.details
    service, agent = rules.place_of(headers)
    error = rules.error_of(details)
    return Letter(
        id=key,
        service=service,
        agent=agent,
        source=rules.source_of(details),
        offset=rules.number(headers.get("dead-offset"), -1),
        event_id=rules.event_id_of(event),
        type=rules.text(event.type),
        kind=rules.kind_of(error),
        error=error,
        traceback=rules.text(headers.get("dead-traceback")),
        attempts=rules.number(headers.get("dead-attempts"), 0),
        died_at=event.log_time,
        death=rules.death_of(event),
        letter_body=event.value,
        headers=rules.own_headers(headers),
        correlation_id=rules.text(event.correlation_id),
        timestamp=details.timestamp,
        app_id=rules.text(details.app_id),
        user=rules.text(event.envelope.user),
        left_out=rules.number(headers.get(LEFT_OUT), 0),
    )
