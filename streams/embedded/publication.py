"""Publishing: the outcome of every message, and one journal entry for those that are kept."""

import asyncio
from collections.abc import Sequence

from streams.broker import Message, Outcome
from streams.embedded.core import Core
from streams.embedded.faults import Fate
from streams.embedded.journal import Entry
from streams.embedded.message import pack
from streams.errors import NoSuchTarget

MAX_BYTES = 16_777_216
"""Largest body: RabbitMQ's own limit from 4.0 on."""


async def publish(core: Core, user: str, messages: Sequence[Message]) -> list[Outcome]:
    """Publish in this order. Raises OverflowError or TypeError, and publishes none, where headers cannot be written."""
    entry = Entry(optional=True)
    outages = core.outages
    outcomes = _sort(core, user, messages, entry)
    if entry.messages:
        answer = await core.journal.write(entry)
    else:
        await asyncio.sleep(0)
        answer = Outcome.CONFIRMED
    if core.outages != outages:
        answer = Outcome.LOST
    return [answer if outcome is Outcome.CONFIRMED else outcome for outcome in outcomes]


def _sort(core: Core, user: str, messages: Sequence[Message], entry: Entry) -> list[Outcome]:
    """The outcomes if the entry is written: those that go into it are CONFIRMED."""
    if core.faults is None:
        return [_take(core, user, message, entry) for message in messages]
    outcomes: list[Outcome] = []
    for message in messages:
        fate = core.faults.publishing(user, message)
        if fate in {Fate.KEPT, Fate.UNCONFIRMED}:
            outcomes.append(_take(core, user, message, entry))
        elif fate is Fate.REFUSED:
            outcomes.append(Outcome.REFUSED)
        if fate is Fate.UNCONFIRMED:
            outcomes[-1] = Outcome.LOST
        if fate in {Fate.LOST, Fate.UNCONFIRMED}:
            break
    return outcomes + [Outcome.LOST] * (len(messages) - len(outcomes))


def _take(core: Core, user: str, message: Message, entry: Entry) -> Outcome:
    if len(message.body) > MAX_BYTES:
        return Outcome.REFUSED
    try:
        targets = core.router.route(message.exchange, message.routing_key, message.headers)
    except NoSuchTarget as problem:
        core.unknown_exchange = str(problem)
        return Outcome.REFUSED
    if not targets:
        return Outcome.UNROUTABLE
    entry.send(pack(message, user), targets)
    return Outcome.CONFIRMED
