import asyncio

import pytest

from streams.broker import Details, Extent, Lineage, Message, Outcome, Scalar
from streams.errors import NoSuchTarget
from tests.streams.broker.conftest import Connect
from tests.streams.broker.exchange import (
    bodies,
    chunk,
    envelopes,
    message,
    numbered,
    read,
    read_details,
    send,
    topology,
)
from topology.spec import Binding, Exchange, Log

EVENTS = topology(Exchange("events"), Log("orders", (Binding("events", "order.#"),)), Log("other"))


async def test_offsets_grow_and_chunks_do_not_overlap(connect: Connect) -> None:
    broker = await connect(EVENTS)
    for start in range(0, 300, 100):
        await send(broker, *numbered("events", "order.a", range(start, start + 100)))
    offsets: list[int] = []
    async with broker.read("orders", "first") as reader:
        while len(offsets) < 300:
            next_chunk = await chunk(reader)
            found = reader.scan(next_chunk, 0, ())
            assert [envelope.offset for envelope in found] == list(
                range(next_chunk.first, next_chunk.first + len(next_chunk.raws))
            )
            offsets += [envelope.offset for envelope in found]
    assert offsets == sorted(set(offsets))


async def test_log_times_are_the_same_at_every_reading_and_never_go_back(connect: Connect) -> None:
    broker = await connect(EVENTS)
    for start in range(0, 30, 10):
        await send(broker, *numbered("events", "order.a", range(start, start + 10)))

    async def times() -> dict[int, int]:
        found: dict[int, int] = {}
        async with broker.read("orders", "first") as reader:
            while len(found) < 30:
                next_chunk = await chunk(reader)
                found |= {envelope.offset: next_chunk.time for envelope in reader.scan(next_chunk, 0, ())}
        return found

    first = await times()
    assert list(first.values()) == sorted(first.values())
    assert min(first.values()) > 1_600_000_000_000
    assert await times() == first


async def test_reading_begins_at_any_offset(connect: Connect) -> None:
    broker = await connect(EVENTS)
    await send(broker, *numbered("events", "order.a", range(100)))
    offsets = [envelope.offset for envelope in await read(broker, "orders", 100)]
    for index in (0, 1, 50, 99):
        async with broker.read("orders", offsets[index]) as reader:
            found = await envelopes(reader, 100 - index, offsets[index])
        assert bodies(found) == [str(number) for number in range(index, 100)]


async def test_reading_from_the_end_gives_only_what_comes_after(connect: Connect) -> None:
    broker = await connect(EVENTS)
    await send(broker, *numbered("events", "order.a", range(10)))
    await read(broker, "orders", 10)
    async with broker.read("orders", "next") as reader:
        await send(broker, *numbered("events", "order.a", range(10, 20)))
        assert bodies(await envelopes(reader, 10)) == [str(number) for number in range(10, 20)]


async def test_a_reader_waits_for_what_is_not_there_yet(connect: Connect) -> None:
    broker = await connect(EVENTS)
    async with broker.read("orders", "first") as reader:
        waiting = asyncio.create_task(envelopes(reader, 1))
        await send(broker, message("", "other"))
        assert not waiting.done()
        await send(broker, *numbered("events", "order.a", [7]))
        assert bodies(await waiting) == ["7"]


async def test_readers_do_not_disturb_each_other(connect: Connect) -> None:
    broker = await connect(EVENTS)
    await send(broker, *numbered("events", "order.a", range(50)))
    async with broker.read("orders", "first") as one, broker.read("orders", "first") as other:
        assert bodies(await envelopes(one, 50)) == bodies(await envelopes(other, 50))
        await send(broker, *numbered("events", "order.a", [50]))
        assert bodies(await envelopes(one, 1)) == bodies(await envelopes(other, 1)) == ["50"]


async def test_scanning_leaves_out_what_lies_before_and_the_types_that_are_not_wanted(connect: Connect) -> None:
    broker = await connect(EVENTS)
    types = ["a", "b", "c", "b", "a"]
    await send(broker, *(message("events", "order.x", type.encode(), type=type) for type in types))
    found = await read(broker, "orders", 5)
    async with broker.read("orders", "first") as reader:
        first = await chunk(reader)
        kept = len(first.raws)
        assert bodies(reader.scan(first, 0, {"b", "c"})) == [t for t in types[:kept] if t == "a"]
        assert bodies(reader.scan(first, found[1].offset, ())) == types[1:kept]
        assert reader.scan(first, found[-1].offset + 1, ()) == []


async def test_an_envelope_has_what_the_engine_reads(connect: Connect) -> None:
    broker = await connect(EVENTS)
    headers: dict[str, Scalar] = {"key": "ключ", "time": 1_700_000_000_123, "lane": "s/a/0@x", "seq": 2**40, "floor": 0}
    sent = message("events", "order.created", b"{}", type="order.created", headers=headers)
    bare = message("events", "order.bare", type="")
    await send(broker, sent, bare)
    full, empty = await read(broker, "orders", 2)
    assert (full.id, full.type, full.user) == (sent.message_id, "order.created", broker.user)
    assert (full.key, full.time, full.lane, full.seq, full.floor) == ("ключ", 1_700_000_000_123, "s/a/0@x", 2**40, 0)
    assert (empty.key, empty.time, empty.lane, empty.seq, empty.floor) == ("", -1, "", -1, -1)
    assert (empty.id, empty.type) == (bare.message_id, "")


HEADERS: dict[str, Scalar] = {
    "key": "k",
    "time": 1_700_000_000_000,
    "text": "é€\N{PILE OF POO}",
    "empty": "",
    "large": 2**62,
    "negative": -(2**40),
    "small": -1,
    "zero": 0,
    "yes": True,
    "no": False,
    "naïve-clé": "x",
    "long": "x" * 3_000,
}


async def test_details_come_back_as_they_were_sent(connect: Connect) -> None:
    broker = await connect(EVENTS)
    sent = Message(
        exchange="events",
        routing_key="order.created",
        body=b"{}",
        message_id="m1",
        type="order.created",
        headers=HEADERS,
        correlation_id="c-é",
        timestamp=1_700_000_000,
        app_id="orders",
    )
    await send(broker, sent, message("events", "order.bare"))
    (_, full), (_, bare) = await read_details(broker, "orders", 2)
    assert full == Details(HEADERS, "c-é", 1_700_000_000, "orders", "events", "order.created")
    assert [type(full.headers[name]) for name in HEADERS] == [type(value) for value in HEADERS.values()]
    assert bare == Details({}, None, None, None, "events", "order.bare")


async def test_what_messages_belong_to_is_read_alone(connect: Connect) -> None:
    broker = await connect(EVENTS)
    linked = message("events", "order.a", headers={"traceparent": "00-aa-bb-01"})
    linked.correlation_id = "c-é"
    odd = message("events", "order.a", headers={"traceparent": 7})
    await send(broker, linked, odd, message("events", "order.a"))
    found: list[Lineage] = []
    async with broker.read("orders", "first") as reader:
        while len(found) < 3:
            part = await chunk(reader)
            found += [reader.lineage(envelope) for envelope in reader.scan(part, 0, ())]
    assert found == [Lineage("c-é", "00-aa-bb-01"), Lineage("", ""), Lineage("", "")]


async def test_headers_of_the_brokers_own_are_not_shown(connect: Connect) -> None:
    broker = await connect(EVENTS)
    await send(broker, message("events", "order.a", headers={"x-mine": "1", "mine": "2"}))
    ((_, details),) = await read_details(broker, "orders", 1)
    assert details.headers == {"mine": "2"}


async def test_a_fingerprint_tells_messages_apart_and_is_the_same_at_every_reading(connect: Connect) -> None:
    broker = await connect(EVENTS)
    same = [message("events", "order.a", b"same") for _ in range(5)]
    await send(broker, *same)

    async def fingerprints() -> list[bytes]:
        found: list[bytes] = []
        async with broker.read("orders", "first") as reader:
            while len(found) < 5:
                next_chunk = await chunk(reader)
                offsets = range(next_chunk.first, next_chunk.first + len(next_chunk.raws))
                found += [reader.fingerprint(next_chunk, offset) for offset in offsets]
        return found

    first = await fingerprints()
    assert len(set(first)) == 5
    assert {len(one) for one in first} == {8}
    assert await fingerprints() == first


async def test_the_extent_follows_the_log(connect: Connect) -> None:
    broker = await connect(EVENTS)
    assert await broker.extent("orders") == Extent(-1, -1)
    await send(broker, *numbered("events", "order.a", range(10)))
    found = await read(broker, "orders", 10)
    assert await broker.extent("orders") == Extent(found[0].offset, found[-1].offset)
    assert await broker.publish([message("events", "nobody")]) == [Outcome.UNROUTABLE]
    assert await broker.extent("orders") == Extent(found[0].offset, found[-1].offset)


async def test_a_log_that_does_not_exist_is_told_by_name(connect: Connect) -> None:
    broker = await connect(EVENTS)
    with pytest.raises(NoSuchTarget, match="orderz"):
        async with broker.read("orderz", "first"):
            pass
    with pytest.raises(NoSuchTarget, match="orderz"):
        await broker.extent("orderz")
    await send(broker, *numbered("events", "order.a", [1]))
    assert bodies(await read(broker, "orders", 1)) == ["1"]
