import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.broker import Extent
from streams.embedded import Embedded
from streams.embedded.chunk import ChunkHead
from streams.embedded.retention import expired
from tests.streams.broker.exchange import bodies, message, numbered, read, send, topology
from tests.streams.embedded.storages import head
from tests.streams.embedded.virtual_time import clock, in_virtual_time
from topology.spec import Binding, Exchange, Log

HOUR = 3_600.0


@st.composite
def heads(draw: st.DrawFn) -> list[ChunkHead]:
    times = sorted(draw(st.lists(st.integers(0, 100), max_size=10)))
    return [head(first, first, time, draw(st.integers(1, 50))) for first, time in enumerate(times)]


@given(heads(), st.integers(0, 120), st.none() | st.integers(1, 50), st.none() | st.integers(1, 300))
def test_no_chunk_stays_that_is_too_old_or_too_much_and_none_goes_that_is_not(
    oldest: list[ChunkHead], now: int, max_age: int | None, max_bytes: int | None
) -> None:
    size = sum(chunk.size for chunk in oldest)
    gone = list(expired(oldest, size, now, max_age, max_bytes))
    stays = oldest[len(gone) :]
    assert gone == oldest[: len(gone)]
    left = sum(chunk.size for chunk in stays)
    assert max_bytes is None or left <= max_bytes or not stays
    assert max_age is None or all(chunk.time + max_age > now for chunk in stays)
    if gone:
        too_old = max_age is not None and gone[-1].time + max_age <= now
        assert too_old or (max_bytes is not None and left + gone[-1].size > max_bytes)


def log(**limits: object) -> Embedded:
    """A broker with one log."""
    declared = Log("log", (Binding("events", "#"),), **limits)  # type: ignore[arg-type]  # limits of either kind
    return Embedded(topology(Exchange("events"), declared), clock=clock)


@in_virtual_time
async def test_old_chunks_end_when_their_time_has_come() -> None:
    server = log(max_age=timedelta(hours=90))
    broker = server.connect("shop")
    for number in range(4):
        await send(broker, *numbered("events", "a", [number]))
        await asyncio.sleep(HOUR)
    await asyncio.sleep(86.5 * HOUR)
    assert await broker.extent("log") == Extent(1, 3)
    await asyncio.sleep(HOUR)
    assert bodies(await read(broker, "log", 2)) == ["2", "3"]
    await server.close()


@in_virtual_time
async def test_the_newest_chunk_stays_however_old() -> None:
    server = log(max_age=timedelta(hours=1), max_bytes=1)
    broker = server.connect("shop")
    await send(broker, *numbered("events", "a", range(3)))
    await asyncio.sleep(100 * HOUR)
    assert await broker.extent("log") == Extent(0, 2)
    await send(broker, *numbered("events", "a", [3]))
    await asyncio.sleep(1)
    assert await broker.extent("log") == Extent(3, 3)
    await server.close()


@in_virtual_time
async def test_a_log_is_kept_within_its_size() -> None:
    server = log(max_bytes=100_000)
    broker = server.connect("shop")
    for number in range(100):
        await send(broker, message("events", "a", bytes(5_000)))
        await asyncio.sleep(1)
        assert (await broker.extent("log")).first == max(0, number - 18)
    assert await broker.extent("log") == Extent(81, 99)
    await server.close()


@in_virtual_time
async def test_a_log_without_limits_keeps_everything() -> None:
    server = log()
    broker = server.connect("shop")
    for number in range(10):
        await send(broker, *numbered("events", "a", [number]))
        await asyncio.sleep(100 * HOUR)
    assert await broker.extent("log") == Extent(0, 9)
    await server.close()


@in_virtual_time
async def test_a_head_can_be_cut_off_by_hand() -> None:
    server = log()
    broker = server.connect("shop")
    for number in range(5):
        await send(broker, *numbered("events", "a", [2 * number, 2 * number + 1]))
    async with broker.read("log", 3) as behind:
        await server.truncate("log", 7)
        assert await broker.extent("log") == Extent(6, 9)
        assert (await anext(behind)).first == 6
    await server.truncate("log", 1_000)
    assert await broker.extent("log") == Extent(8, 9)
    await server.close()
