"""The log agents once more, over the logs as they have become, with nothing going wrong.

A log agent is a function of its log. So whatever went wrong, its tables and its sends must be those of a run in which
nothing does: this check needs to know nothing of what the agents are for. It also finds agents that are no such
function, because they keep state outside their tables, or look at a clock.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random

from stores.memory import MemoryStore
from stores.port import Row, Store
from streams.broker import (
    Broker,
    Envelope,
    Message,
    Scalar,
)
from streams.testing.remains import all_rows
from streams.testing.rest import Watch, told
from streams.testing.scenario import Scenario, Violation
from streams.testing.sink import Sink
from streams.worker import Worker
from topology.spec import Topology

Number = tuple[str, int]
"""Sender and number of a send: what stays the same when the lane is born anew."""
Send = tuple[str, str, bytes]
"""Id, type and body."""


async def replayed(
    scenario: Scenario,
    broker: Broker,
    *,
    rows: Mapping[tuple[str, str], list[Row]],
    logs: Mapping[str, list[Envelope]],
    now: Callable[[], int],
) -> list[Violation]:
    """What differs from the tables and logs given."""
    apps = scenario.apps()
    sink = Sink(broker)
    stores: dict[str, Store] = {app.id: MemoryStore(clock=asyncio.get_running_loop().time) for app in apps}
    for app in apps:
        await stores[app.id].apply(app.specs())
    worker = Worker(apps, broker=sink, stores=stores, topology=scenario.topology, now=now, ids=Random(0))
    await worker.start()
    left = await Watch(apps, scenario.topology, stores, sink).comes_to_rest()
    await worker.stop()
    if left:
        return [Violation("stuck", f"read once more: {why}") for why in (*left, *told(worker.status()))]
    wanted = {(app.id, table): await all_rows(stores[app.id], table) for app in apps for table in app.tables}
    return [*_tables(wanted, rows), *_sends(_recorded(sink.published, scenario.topology), _found(logs))]


def _tables(
    wanted: Mapping[tuple[str, str], list[Row]], found: Mapping[tuple[str, str], list[Row]]
) -> Iterator[Violation]:
    for place, rows in wanted.items():
        differing = sorted({*rows} ^ {*found[place]})
        if differing:
            yield Violation("wrong", f"table {'.'.join(place)} is not what its log says; among {differing[:4]}")


def _recorded(messages: Iterable[Message], topology: Topology) -> dict[Number, Send]:
    """The sends that went into some log."""
    return {
        _number(message.headers): (message.message_id, message.type, message.body)
        for message in messages
        if "lane" in message.headers and _reaches_a_log(message, topology)
    }


def _number(headers: Mapping[str, Scalar]) -> Number:
    return _sender(str(headers["lane"])), int(headers["seq"])


def _sender(lane: str) -> str:
    return lane.rpartition("@")[0]


def _reaches_a_log(message: Message, topology: Topology) -> bool:
    if message.exchange:
        reached = topology.route(message.exchange, message.routing_key, message.headers)
        return any(name in topology.logs for name in reached)
    return any(message.routing_key in (log.name, *log.partition_names) for log in topology.logs.values())


def _found(logs: Mapping[str, list[Envelope]]) -> dict[Number, Send]:
    return {
        (_sender(envelope.lane), envelope.seq): (envelope.id, envelope.type, envelope.body)
        for envelopes in logs.values()
        for envelope in envelopes
        if envelope.lane
    }


def _sends(wanted: Mapping[Number, Send], found: Mapping[Number, Send]) -> Iterator[Violation]:
    for number in sorted(wanted.keys() - found.keys()):
        yield Violation("lost", f"{number} was never sent: {wanted[number]}")
    for number in sorted(found.keys() - wanted.keys()):
        yield Violation("twice", f"{number} was sent, and should not have been: {found[number]}")
    for number in sorted(wanted.keys() & found.keys()):
        if wanted[number] != found[number]:
            yield Violation("wrong", f"{number} was sent as {found[number]}, and should be {wanted[number]}")
