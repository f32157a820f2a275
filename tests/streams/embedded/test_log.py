from hypothesis import given
from hypothesis import strategies as st

from streams.broker import Extent, Message
from streams.embedded.chunk import StoredChunk
from streams.embedded.log import Log, Tail
from streams.embedded.message import pack
from streams.embedded.storage import Transaction
from tests.streams.embedded.storages import ReadCounting, state

PACKED = pack(Message(exchange="e", routing_key="k", body=b"x", message_id="m", type="t"), "u")


async def grow(log: Log, storage: ReadCounting, now: int = 0, count: int = 1) -> Transaction:
    """Append messages."""
    transaction = Transaction()
    committed = log.stage([PACKED] * count, now, transaction)
    await storage.commit(transaction)
    committed()
    return transaction


async def opened(log: str = "log") -> tuple[Log, ReadCounting]:
    storage = ReadCounting()
    await storage.open([log], [])
    return Log(state(log), storage), storage


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(1, 400))
def test_the_tail_holds_the_newest_chunks_and_never_more_than_twice_its_limit(counts: list[int], limit: int) -> None:
    tail, first = Tail(limit), 0
    for count in counts:
        tail.append([StoredChunk(first, first + count - 1, 0, b"x" * 20 * count)])
        first += count
        held = [chunk for chunk in tail.since(first - 1) if chunk.last == first - 1]
        assert len(held) == 1
    oldest = next(offset for offset in range(first) if tail.since(offset))
    found = [chunk for offset in range(oldest, first) for chunk in tail.since(offset)[:1]]
    assert {chunk.last for chunk in found} >= {first - 1}
    size = sum(len(chunk.data) for chunk in set(found))
    assert size <= max(2 * limit, 20 * counts[-1])


async def test_times_never_go_back_even_if_the_clock_does() -> None:
    log, storage = await opened()
    times = [(await grow(log, storage, now)).chunks[0][1].time for now in (100, 50, 120)]
    assert times == [100, 100, 120]


async def test_new_chunks_are_read_from_memory() -> None:
    log, storage = await opened()
    await grow(log, storage)
    await grow(log, storage)
    assert [(chunk.first, chunk.last) for chunk in await log.read(1)] == [(1, 1)]
    assert await log.read(2) == []
    assert storage.reads == 0


async def test_what_is_staged_but_not_committed_cannot_be_read() -> None:
    log, _ = await opened()
    committed = log.stage([PACKED], 0, Transaction())
    assert await log.read(0) == []
    assert log.extent == Extent(-1, -1)
    committed()
    assert log.extent == Extent(0, 0)


async def test_a_truncated_head_is_not_read_again() -> None:
    log, storage = await opened()
    for _ in range(4):
        await grow(log, storage, count=2)
    oldest = await log.oldest()
    assert [head.first for head in oldest] == [0, 2, 4]
    transaction = Transaction()
    committed = log.stage_truncation(oldest[:2], transaction)
    await storage.commit(transaction)
    committed()
    assert [chunk.first for chunk in await log.read(0)] == [4, 6]
    assert log.extent == Extent(4, 7)
    assert log.size == sum(len(chunk.data) for chunk in await storage.chunks(0, 0))
