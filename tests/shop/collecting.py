"""Evidence of an embedded shop: what its stores, its logs and the world around it say."""

from collections.abc import Iterable, Mapping

from stores.port import Store
from streams import App
from streams.broker import Broker, Details, Envelope
from streams.broker import Message as Carried
from streams.embedded.message import details
from streams.testing.remains import all_rows
from tests.shop.invariants.evidence import Message, Rows
from topology.spec import Topology

EVENTS = frozenset({"user.events", "order.events", "inventory.events", "payment.events", "notification.events"})
"""The exchanges of events."""
FOREVER = 2**62


async def tables_of(apps: Iterable[App], stores: Mapping[str, Store], *, documents: bool = True) -> dict[str, Rows]:
    """Every table, by `service.table`."""
    return {
        f"{app.id}.{name}": {row.key: row.value for row in await all_rows(stores[app.id], name)}
        for app in apps
        for name in (*app.tables, *(app.collections if documents else ()))
    }


async def logs_of(topology: Topology, broker: Broker) -> dict[str, list[Message]]:
    """Every log, read from its beginning to its end."""
    return {name: await _messages(broker, name) for name in topology.logs}


async def _messages(broker: Broker, log: str) -> list[Message]:
    found: list[Message] = []
    last = (await broker.extent(log)).last
    if last < 0:
        return found
    async with broker.read(log, "first") as reader:
        async for chunk in reader:
            found += (message_of(each, reader.details(each)) for each in reader.scan(chunk, 0, ()))
            if chunk.first + len(chunk.raws) > last:
                break
    return found


def message_of(envelope: Envelope, rest: Details) -> Message:
    """As the checker reads it."""
    return Message(
        envelope.type,
        envelope.id,
        envelope.body,
        envelope.offset,
        envelope.time,
        rest.correlation_id or "",
        str(rest.headers.get("causation_id", "")),
    )


def copy_of(envelope: Envelope, log: str) -> Carried:
    """The same message, for its log alone."""
    rest = details(envelope)
    return Carried(
        exchange="",
        routing_key=log,
        body=envelope.body,
        message_id=envelope.id,
        type=envelope.type,
        headers=rest.headers,
        correlation_id=rest.correlation_id,
        timestamp=rest.timestamp,
        app_id=rest.app_id,
    )


async def due_in(stores: Mapping[str, Store]) -> list[tuple[str, int]]:
    """What is still to come due."""
    return [
        (f"{service} {standing.slot} {due.key}", due.at)
        for service, store in stores.items()
        for standing in await store.standings()
        if standing.due
        for due in await store.due(standing.slot, FOREVER, standing.due)
    ]
