"""Reading what a simulation has left."""

from stores.port import Row, Store
from streams.broker import Broker, Envelope


async def all_rows(store: Store, name: str) -> list[Row]:
    """Every row of a table, or every document."""
    page = await store.query(name, limit=1_000)
    rows = page.rows
    while page.cursor is not None:
        page = await store.query(name, limit=1_000, cursor=page.cursor)
        rows += page.rows
    return rows


async def all_messages(broker: Broker, log: str) -> list[Envelope]:
    """Every message of a log."""
    found: list[Envelope] = []
    last = (await broker.extent(log)).last
    if last < 0:
        return found
    async with broker.read(log, "first") as reader:
        async for chunk in reader:
            found += reader.scan(chunk, 0, ())
            if chunk.first + len(chunk.raws) > last:
                break
    return found
