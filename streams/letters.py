"""Dead letters: what could not be handled, kept with its reason and as it came."""

import traceback

from streams.broker import Details, Envelope, Message, Scalar
from streams.carriable import carried_headers, carried_text, carried_time
from streams.event import derived_text
from topology.spec import DEAD_LETTER_EXCHANGE

TRACEBACK_BYTES = 4_000
"""Of the end of a traceback; a header may not be larger than a frame, 128 KiB at the least."""
ERROR_BYTES = 1_000

LEFT_OUT = "dead-left-out"
"""The header of a letter without its body: how many bytes that has."""

ENGINE_HEADERS = ("lane", "seq", "floor", "schedule", "only")


def dead_letter(
    *,
    service: str,
    agent: str,
    source: str,
    offset: int,
    event_id: str,
    envelope: Envelope,
    details: Details,
    error: BaseException,
    attempts: int,
    largest: int,
) -> Message:
    """The message for `dlx`: the same body, type and headers, and why it is here in headers `dead-…`.

    A body of more than `largest` bytes, which the broker would not take again, stays where it is, in its log.

    The event's `time` is there as `dead-time`: a letter about an impossible time is not to be impossible itself. Its id
    follows from the event and the agent, so that a repeat is known. `offset` is -1 for queues.
    """
    size = len(envelope.body)
    return Message(
        exchange=DEAD_LETTER_EXCHANGE,
        routing_key=source,
        body=envelope.body if size <= largest else b"",
        message_id=derived_text(event_id, f"dead/{service}/{agent}"),
        type=carried_text(envelope.type) or "unknown",
        headers={
            **{name: value for name, value in own_headers(details).items() if name != "time"},
            **_reasons(service, agent, source, offset, event_id, details, error, attempts),
            **({LEFT_OUT: size} if size > largest else {}),
        },
        correlation_id=carried_text(details.correlation_id or event_id),
        timestamp=carried_time(details.timestamp),
        app_id=service,
    )


def own_headers(details: Details) -> dict[str, Scalar]:
    """A message's headers without its sender's numbering, which belongs to its first way only, and what cannot go."""
    return carried_headers({name: value for name, value in details.headers.items() if name not in ENGINE_HEADERS})


def _reasons(
    service: str,
    agent: str,
    source: str,
    offset: int,
    event_id: str,
    details: Details,
    error: BaseException,
    attempts: int,
) -> dict[str, Scalar]:
    return {
        "dead-service": service,
        "dead-agent": agent,
        "dead-source": source,
        "dead-offset": offset,
        "dead-id": carried_text(event_id),
        **({"dead-time": details.headers["time"]} if "time" in details.headers else {}),
        "dead-exchange": carried_text(details.exchange),
        "dead-routing-key": carried_text(details.routing_key),
        "dead-error": _cut(f"{type(error).__name__}: {error}", ERROR_BYTES),
        "dead-traceback": _cut("".join(traceback.format_exception(error)), TRACEBACK_BYTES),
        "dead-attempts": attempts,
    }


def _cut(text: str, limit: int) -> str:
    """The last `limit` bytes of a text, whole characters only."""
    raw = text.encode("utf-8", "replace")
    return raw[-limit:].decode("utf-8", "ignore")
