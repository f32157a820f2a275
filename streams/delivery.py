"""Publishing until every message is confirmed."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

from streams.broker import Broker, Message, Outcome
from streams.retry import Backoff

Trouble = Callable[[str], None]
"""Told why publishing has to be tried again; told "" when it goes well again."""


async def deliver(broker: Broker, messages: Sequence[Message], trouble: Trouble, jitter: random.Random) -> None:
    """Publish in order until the broker has confirmed everything.

    After a broken connection everything from the first unanswered message on is sent again, in order; a message that
    was refused is sent again alone. Nothing is given up: what the broker keeps refusing keeps its sender waiting,
    visibly.
    """
    pending, failures = list(messages), 0
    while pending:
        outcomes = await broker.publish(pending)
        unsettled = unconfirmed(pending, outcomes)
        if unsettled:
            failures = failures + 1 if len(unsettled) == len(pending) else 1
            trouble(_describe(pending, outcomes))
            await asyncio.sleep(Backoff().delay(failures, jitter.random()))
        pending = unsettled
    if failures:
        trouble("")


def unconfirmed(messages: Sequence[Message], outcomes: Sequence[Outcome]) -> list[Message]:
    """What has to be sent again: what was refused, and everything from the first lost message on."""
    if all(outcome is Outcome.CONFIRMED for outcome in outcomes):
        return []
    first_lost = outcomes.index(Outcome.LOST) if Outcome.LOST in outcomes else len(outcomes)
    refused = [m for m, o in zip(messages[:first_lost], outcomes, strict=False) if o is not Outcome.CONFIRMED]
    return [*refused, *messages[first_lost:]]


def _describe(messages: Sequence[Message], outcomes: Sequence[Outcome]) -> str:
    counts = Counter(outcome for outcome in outcomes if outcome is not Outcome.CONFIRMED)
    first = next(m for m, o in zip(messages, outcomes, strict=True) if o is not Outcome.CONFIRMED)
    what = ", ".join(f"{n} {outcome.value}" for outcome, n in counts.items())
    to = f"{first.exchange or 'log or queue'!r} as {first.routing_key!r}"
    return f"publishing: {what} of {len(messages)}, the first to {to}"
