"""What becomes of a dead letter: kept once, looked at, replayed, discarded."""

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from agents.deadletters.desk import Case, Desk, Filter, NotReplayable, replayed
from agents.deadletters.tables import Letter
from agents.registry import load
from stores.memory import MemoryStore
from streams import App, Stream, Worker
from streams.broker import Message
from streams.embedded import Fate
from streams.errors import Conflict, StreamsError
from tests.streams.engine.stage import EPOCH_MS, Order, Stage, on_stage, until

(deadletters,) = load(["shared"])
SERVICES = frozenset({"counter", "shared"})


class Shop:
    """Agents that fail as told, and the one that keeps what they give up."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.failing = True
        self.store = MemoryStore(clock=lambda: asyncio.get_running_loop().time())
        self.desk = Desk(self.store, by="ann", now=lambda: datetime.fromtimestamp(stage.now() / 1000, UTC))
        self.handled: list[str] = []
        self.workers: list[Worker] = []

    def app(self) -> App:
        app = App("counter")
        totals = app.Table("totals", default=int)

        @app.agent(app.topic("orders", value_type=Order), name="count")
        async def count(stream: Stream[Order]) -> None:
            async for order in stream:
                totals[order.user] += order.amount
                if order.amount == 13 and self.failing:
                    raise ValueError("thirteen")

        @app.agent(app.topic("jobs", value_type=Order), name="work")
        async def work(stream: Stream[Order]) -> None:
            async for order in stream:
                if order.amount == 13 and self.failing:
                    raise KeyError("thirteen")
                self.handled.append(order.user)

        return app

    async def open(self) -> None:
        self.workers.append(await self.stage.start(self.app()))
        await self.store.apply(deadletters.specs())
        self.workers.append(
            Worker(
                [deadletters],
                broker=self.stage.server.connect("shared"),
                stores={"shared": self.store},
                topology=self.stage.topology,
                now=self.stage.now,
                ids=Random(99),
            )
        )
        await self.workers[-1].start()

    async def close(self) -> None:
        for worker in self.workers:
            await worker.stop()

    async def cases(self, count: int, wanted: Filter | None = None) -> list[Case]:
        """The letters that fit, once there are so many."""
        found: list[Case] = []

        async def there() -> bool:
            nonlocal found
            found = [case async for case in self.desk.cases(wanted or Filter())]
            return len(found) == count

        await until(there, within=600)
        return found

    async def total(self, wanted: bytes) -> None:
        async def right() -> bool:
            return (await self.stage.table("totals")).get("a") == wanted

        await until(right, within=600)


def in_the_shop(test: Any) -> Any:
    @on_stage
    async def run(stage: Stage) -> None:
        shop = Shop(stage)
        await shop.open()
        await test(shop)
        await shop.close()

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def fail(shop: Shop, *orders: Order) -> list[Case]:
    await shop.stage.send(*orders, time=shop.stage.now() - 5)
    return sorted(await shop.cases(2 * sum(order.amount == 13 for order in orders)), key=lambda case: case.place)


@in_the_shop
async def test_a_letter_says_who_gave_it_up_and_why(shop: Shop) -> None:
    log, queue = await fail(shop, Order("a", 1), Order("a", 13))
    assert (log.place, log.letter.kind, log.letter.source, log.letter.offset) == (
        "counter/count",
        "ValueError",
        "orders",
        1,
    )
    assert (queue.place, queue.letter.kind, queue.letter.source, queue.letter.offset) == (
        "counter/work",
        "KeyError",
        "jobs",
        -1,
    )
    assert "thirteen" in log.letter.traceback
    assert log.letter.letter_body == b'{"user":"a","amount":13}'
    assert log.letter.headers["key"] == "a"
    assert EPOCH_MS - 5 <= int(log.letter.headers["time"]) < shop.stage.now()
    assert not any(name.startswith("dead-") or name == "attempt" for name in queue.letter.headers)
    assert (log.state, queue.state) == ("open", "open")


@in_the_shop
async def test_letters_are_chosen_by_agent_kind_and_source(shop: Shop) -> None:
    await fail(shop, Order("a", 13), Order("b", 13))
    assert len(await shop.cases(2, Filter(agent="count"))) == 2
    assert len(await shop.cases(2, Filter(agent="counter/work"))) == 2
    assert len(await shop.cases(2, Filter(kind="KeyError"))) == 2
    assert len(await shop.cases(2, Filter(source="orders"))) == 2
    assert await shop.cases(0, Filter(agent="count", kind="KeyError")) == []


@in_the_shop
async def test_a_replayed_letter_is_handled_once_and_its_trail_says_who_did_it(shop: Shop) -> None:
    log, queue = await fail(shop, Order("a", 13))
    shop.failing = False
    for case in (log, queue):
        await shop.desk.replay(case, shop.stage.broker, SERVICES)
    await shop.total(b"13")
    assert await shop.cases(0) == []
    closed = await shop.cases(2, Filter(closed=True))
    assert [case.state for case in closed] == ["replayed", "replayed"]
    assert [(a.did, a.by, a.done) for a in closed[0].trail.actions] == [("replay", "ann", True)]
    await shop.desk.replay((await shop.desk.find(log.letter.id))[0], shop.stage.broker, SERVICES)
    await asyncio.sleep(5)
    assert await shop.stage.table("totals") == {"a": b"13"}
    assert shop.handled == ["a"]


@in_the_shop
async def test_a_letter_that_dies_again_is_open_again(shop: Shop) -> None:
    log, _ = await fail(shop, Order("a", 13))
    await shop.desk.replay(log, shop.stage.broker, SERVICES)
    assert len(await shop.cases(1)) == 1

    async def again() -> bool:
        (case,) = await shop.desk.find(log.letter.id)
        return case.state == "open"

    await until(again, within=60)
    (case,) = await shop.desk.find(log.letter.id)
    assert case.letter.offset == log.letter.offset
    assert len(case.trail.actions) == 1
    shop.failing = False
    await shop.desk.replay(case, shop.stage.broker, SERVICES)
    await shop.total(b"13")


@in_the_shop
async def test_a_discarded_letter_is_closed_with_its_reason_and_stays_on_record(shop: Shop) -> None:
    log, queue = await fail(shop, Order("a", 13))
    await shop.desk.discard(log, "a test")
    assert [case.letter.id for case in await shop.cases(1)] == [queue.letter.id]
    (case,) = await shop.desk.find(log.letter.id[:6])
    assert (case.state, case.trail.actions[0].why) == ("discarded", "a test")


@in_the_shop
async def test_two_people_cannot_do_the_same(shop: Shop) -> None:
    log, _ = await fail(shop, Order("a", 13))
    await shop.desk.discard(log, "first")
    with pytest.raises(Conflict):
        await shop.desk.replay(log, shop.stage.broker, SERVICES)


@in_the_shop
async def test_a_replay_that_is_not_confirmed_is_under_way_and_can_be_done_again(shop: Shop) -> None:
    log, _ = await fail(shop, Order("a", 13))
    shop.failing = False
    shop.stage.faults.fates[""] = [Fate.UNCONFIRMED]
    with pytest.raises(StreamsError, match="was lost"):
        await shop.desk.replay(log, shop.stage.broker, SERVICES)
    (case,) = await shop.desk.find(log.letter.id)
    assert case.state == "under way"
    await shop.desk.replay(case, shop.stage.broker, SERVICES)
    await shop.total(b"13")
    await asyncio.sleep(5)
    assert await shop.stage.table("totals") == {"a": b"13"}


@in_the_shop
async def test_a_user_whose_word_log_agents_do_not_take_cannot_replay(shop: Shop) -> None:
    log, queue = await fail(shop, Order("a", 13))
    stranger = shop.stage.server.connect("stranger")
    with pytest.raises(NotReplayable, match="not from 'stranger'"):
        await shop.desk.replay(log, stranger, SERVICES)
    await shop.desk.replay(queue, stranger, SERVICES)


@in_the_shop
async def test_a_letter_of_the_broker_is_kept_whatever_numbers_it_carries(shop: Shop) -> None:
    """What the broker dead-letters carries the numbers of its sender, long behind those of the sender's own letters."""
    for seq, floor in ((900, 900), (5, 5)):
        message = Message(
            exchange="dlx",
            routing_key="jobs",
            body=b"\xff not JSON",
            message_id=f"m{seq}",
            type="",
            headers={"lane": "counter/count/0@b", "seq": seq, "floor": floor, "time": 2**60, "odd": "nul\0"},
        )
        await shop.stage.server.connect("counter").publish([message])
    cases = await shop.cases(2)
    assert {case.letter.event_id for case in cases} == {"m900", "m5"}
    assert {case.place for case in cases} == {"broker"}
    assert replayed(cases[0].letter).routing_key == "jobs"


@in_the_shop
async def test_looking_changes_nothing(shop: Shop) -> None:
    first = await fail(shop, Order("a", 13), Order("b", 13))
    for _ in range(3):
        await shop.desk.find(first[0].letter.id)
        assert sorted(await shop.cases(4), key=lambda case: case.place) == first


def test_a_letter_without_its_body_says_where_the_event_is() -> None:
    letter = Letter(
        id="1",
        service="counter",
        agent="count",
        source="orders",
        offset=7,
        event_id="e",
        type="order",
        kind="ValueError",
        error="",
        traceback="",
        attempts=1,
        died_at=datetime.now(UTC),
        death="d",
        letter_body=b"",
        headers={},
        correlation_id="",
        timestamp=None,
        app_id="",
        user="counter",
        left_out=20_000_000,
    )
    with pytest.raises(
        NotReplayable, match="20,000,000 bytes, more than can be sent: it is in log 'orders' at offset 7"
    ):
        replayed(letter)
