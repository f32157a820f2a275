"""Due times, replays, resets and rebuilds on RabbitMQ and PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import Random

import pytest

from agents.deadletters.desk import Case, Desk, Filter
from agents.registry import load
from stores.port import Slot
from stores.postgres import PostgresStore
from streams import App, Stream, Worker
from streams.limits import Limits
from streams.rebuild import Rebuild
from streams.rewind import Rewind
from streams.source import Source
from streams.surroundings import Surroundings
from tests.servers.address import RabbitMQ as Address
from tests.streams.engine.stage import Counted, Order, status_of
from tests.streams.engine.test_due_times import reminding, with_due
from tests.streams.live.test_live import Live, now, totals_are, until

(DEADLETTERS,) = load(["shared"])
SOURCE = Source("orders", "orders")


@pytest.fixture
async def live(rabbitmq_vhost: Address, postgres: str, postgres_schema: str) -> AsyncIterator[Live]:
    live = Live(rabbitmq_vhost, PostgresStore(postgres, postgres_schema))
    yield live
    await live.aclose()


async def ends(live: Live, log: str) -> int:
    return (await live.broker.extent(log)).last


async def settled(live: Live, worker: Worker) -> None:
    """Until the agent has read its log to the end."""
    last = await ends(live, "orders")

    async def there() -> bool:
        return status_of(worker, "count").position == last

    await until(there)


async def test_a_due_time_comes_once_over_a_restart(live: Live) -> None:
    live.topology = with_due("reminder")
    app = App("counter")
    reminding(app, after=2)
    await live.prepare(app)
    worker = await live.start(app)
    await live.send(Order("a", 5), Order("b", 6), Order("c", 7), ids=["a", "b", "c"])

    async def scheduled() -> bool:
        return status_of(worker).handled == 3

    await until(scheduled)
    await live.send(Order("b", 0), ids=["not b"])
    await worker.abandon()
    again = App("counter")
    reminding(again, after=2)
    worker = await live.start(again)

    async def reminded() -> bool:
        return await live.store.scan("reminded", 0) == {"a": b"5", "c": b"7"}

    await until(reminded)
    assert await live.store.due(Slot("remind"), 2**62, 10) == []


def failing(app: App, mood: list[str]) -> None:
    """An agent that fails on thirteen while it is in a mood."""
    totals = app.Table("totals", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Stream[Order]) -> None:
        async for order in stream:
            if order.amount == 13 and mood:
                raise ValueError("thirteen")
            totals[order.user] += order.amount
            await out.send(value=Counted(order.user, totals[order.user]))


async def letters_of(live: Live, desk: Desk, count: int) -> list[Case]:
    found: list[Case] = []

    async def there() -> bool:
        nonlocal found
        found = [case async for case in desk.cases(Filter())]
        return len(found) == count

    await until(there)
    return found


async def start_undertaker(live: Live, store: PostgresStore) -> Worker:
    await store.open()
    await store.apply(DEADLETTERS.specs())
    worker = Worker(
        [DEADLETTERS],
        broker=live.broker,
        stores={"shared": store},
        topology=live.topology,
        now=now,
        ids=Random(77),
    )
    live.workers.append(worker)
    await worker.start()
    return worker


async def test_a_dead_letter_is_kept_and_its_replay_counts_once(live: Live, postgres: str) -> None:
    app, mood = App("counter"), ["bad"]
    failing(app, mood)
    await live.prepare(app)
    worker = await live.start(app)
    await start_undertaker(live, live.store)
    await live.send(Order("a", 1), Order("a", 13), ids=["one", "thirteen"])
    desk = Desk(live.store, by="ann", now=lambda: datetime.now(UTC))
    (case,) = await letters_of(live, desk, 1)
    assert (case.letter.event_id, case.letter.offset, case.letter.kind) == ("thirteen", 1, "ValueError")
    mood.clear()
    await desk.replay(case, live.outside, frozenset({live.outside.user}))
    await totals_are(live, a=14)
    (case,) = await desk.find(case.letter.id)
    await desk.replay(case, live.outside, frozenset({live.outside.user}))
    await settled(live, worker)
    await totals_are(live, a=14)
    assert [standing.dead for standing in await live.store.standings() if standing.slot.agent == "count"] == [0]


async def test_a_reset_and_a_rebuild_make_the_same_tables_and_send_nothing(live: Live) -> None:
    app = App("counter")
    failing(app, [])
    await live.prepare(app)
    worker = await live.start(app)
    await live.send(*[Order("ab"[n % 2]) for n in range(200)], ids=[str(n) for n in range(200)])
    await totals_are(live, a=100, b=100)
    await settled(live, worker)
    await worker.stop()
    sent = await ends(live, "counted")
    rewind = Rewind("count", SOURCE, ["totals"], live.store, live.broker, "tool", 5, Random(1))
    assert (await rewind.to("first")).quiet == await ends(live, "orders")
    assert await live.totals() == {}
    again = App("counter")
    failing(again, [])
    worker = await live.start(again)
    await totals_are(live, a=100, b=100)
    await live.send(Order("a"), ids=["new"])
    await totals_are(live, a=101, b=100)
    await settled(live, worker)
    assert await ends(live, "counted") == sent + 1
    await spoil(live)
    done = await Rebuild(again, again.agents["count"], SOURCE, around(live)).run(swap=True)
    assert [difference.changed for difference in done.differences] == [("a",)]
    assert await live.totals() == {"a": 101, "b": 100}
    # Who takes a slot over sends its outbox again: here the one send of the last batch, where it was not cleared yet.
    assert await ends(live, "counted") <= sent + 2
    await live.send(Order("a"), ids=["newer"])  # the worker goes on, and has nothing of the spoilt table in memory
    await totals_are(live, a=102, b=100)
    await settled(live, worker)
    await worker.stop()


async def spoil(live: Live) -> None:
    """Write nonsense past the engine, as a careless person would."""
    async with live.store._sessions.session() as session:
        await session.execute(f"UPDATE {live.store._schema}.totals SET value = '7' WHERE key = 'a'")


def around(live: Live) -> Surroundings:
    users = frozenset({live.broker.user, "counter"})
    return Surroundings(live.store, live.broker, live.topology, "tool-1", 5, users, now, Random(2), Limits())
