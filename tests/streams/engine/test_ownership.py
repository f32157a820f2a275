"""Workers of one service share its slots through the store: what each of them does, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any, cast

from stores.errors import StoreUnavailable
from stores.port import Roster, Slot, Store
from streams import App, Worker
from tests.streams.engine.stage import Order, Stage, on_stage, until

AGENTS = 4
LEASE = 10.0


def shop(agents: int = AGENTS) -> App:
    """Agents that each count all orders, in a table of their own."""
    app = App("counter")
    for number in range(agents):
        declare(app, number)
    return app


def declare(app: App, number: int) -> None:
    totals = app.Table(f"totals{number}", default=int)

    @app.agent(app.topic("orders", value_type=Order), name=f"count{number}", tables=(totals,))
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += order.amount


def running(worker: Worker) -> set[str]:
    return {status.agent for status in worker.status() if status.state == "running"}


def spread(*wanted: int) -> Callable[..., Callable[[], Awaitable[bool]]]:
    def of(*workers: Worker) -> Callable[[], Awaitable[bool]]:
        async def right() -> bool:
            held = [running(worker) for worker in workers]
            return sorted(map(len, held)) == sorted(wanted) and len(set().union(*held)) == sum(wanted)

        return right

    return of


async def counted(stage: Stage, orders: int) -> None:
    """All agents have counted every order once."""

    async def right() -> bool:
        tables = [await stage.table(f"totals{number}") for number in range(AGENTS)]
        return [sum(map(int, rows.values())) for rows in tables] == [orders] * AGENTS

    await until(right, within=60)
    await asyncio.sleep(1)
    assert await right()


def clock() -> float:
    return asyncio.get_running_loop().time()


@on_stage
async def test_workers_that_start_together_spread_the_slots_evenly(stage: Stage) -> None:
    workers = [await stage.start(shop()) for _ in range(3)]
    await until(spread(2, 1, 1)(*workers), within=5)
    await stage.send(Order("a"), Order("b"))
    await counted(stage, 2)
    for worker in workers:
        await worker.stop()


@on_stage
async def test_a_joining_worker_gets_its_share_and_no_other_slot_moves(stage: Stage) -> None:
    first = await stage.start(shop())
    await until(spread(4)(first), within=5)
    second = await stage.start(shop())
    await until(spread(2, 2)(first, second), within=5)
    kept = running(first)
    assert {s.takeovers for s in first.status() if s.agent in kept} == {1}
    third = await stage.start(shop())
    await until(spread(2, 1, 1)(first, second, third), within=5)
    assert {s.takeovers for w in (first, second) for s in w.status() if s.agent in running(w)} == {1}
    for worker in (first, second, third):
        await worker.stop()


@on_stage
async def test_everything_counts_once_while_workers_come_and_go(stage: Stage) -> None:
    workers: list[Worker] = []
    for number in range(30):
        if number % 3 == 0:
            workers.append(await stage.start(shop()))
        if number % 4 == 3:
            await workers.pop(0).stop()
        if number % 10 == 9:
            await workers.pop(0).abandon()
        await stage.send(Order("a"), Order("b", 2))
        await asyncio.sleep(0.7)
    workers.append(await stage.start(shop()))
    await counted(stage, 90)
    for worker in workers:
        await worker.stop()


@on_stage
async def test_a_worker_that_stops_hands_over_at_once(stage: Stage) -> None:
    first, second = await stage.start(shop()), await stage.start(shop())
    await until(spread(2, 2)(first, second), within=5)
    await first.stop()
    before = clock()
    await until(spread(4)(second), within=LEASE)
    assert clock() - before < 2
    assert await stage.store.roster() == Roster(frozenset([second.id]), (await stage.store.roster()).held)
    await second.stop()


@on_stage
async def test_the_slots_of_a_killed_worker_are_taken_within_the_lease(stage: Stage) -> None:
    first, second = await stage.start(shop()), await stage.start(shop())
    await until(spread(2, 2)(first, second), within=5)
    await first.abandon()
    before = clock()
    await until(spread(4)(second), within=60)
    assert clock() - before < LEASE + 2
    await second.stop()


@on_stage
async def test_status_shows_who_owns_what(stage: Stage) -> None:
    first, second = await stage.start(shop(2)), await stage.start(shop(2))
    await until(spread(1, 1)(first, second), within=5)
    await asyncio.sleep(2)
    owners = [{status.agent: status.owner for status in worker.status()} for worker in (first, second)]
    assert owners[0] == owners[1]
    assert set(owners[0].values()) == {first.id, second.id}
    (other,) = [status for status in first.status() if status.state == "waiting"]
    assert other.reason == f"worker {second.id} has this partition"
    await first.stop()
    await second.stop()
    assert {(status.state, status.owner) for status in second.status()} == {("stopped", "")}


@on_stage
async def test_a_slot_that_was_taken_over_is_let_go_before_the_next_event_says_so(stage: Stage) -> None:
    worker = await stage.start(shop(1))
    await until(spread(1)(worker), within=5)
    await stage.store.heartbeat(worker.id, 0)  # it was stopped for longer than the lease
    assert await stage.store.acquire(Slot("count0"), "successor", LEASE) is not None
    await asyncio.sleep(2)
    (status,) = worker.status()
    assert (status.state, status.owner) == ("waiting", "successor")
    await worker.stop()


@on_stage
async def test_a_roster_that_cannot_be_read_is_told_and_stops_nobody(stage: Stage) -> None:
    await stage.store.apply(shop(1).specs())
    trouble = Deaf(stage.store)
    worker = await stage.start(shop(1), store=trouble)
    await asyncio.sleep(2)
    (status,) = worker.status()
    assert status.state == "paused"
    assert "StoreUnavailable" in status.reason
    trouble.deaf = False
    await until(spread(1)(worker), within=5)
    trouble.deaf = True
    await stage.send(Order("a"))

    async def handled() -> bool:
        return status.handled == 1

    await until(handled, within=5)
    assert running(worker) == {"count0"}
    await worker.stop()


class Deaf:
    """A store that does not tell who is there."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.deaf = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def roster(self) -> Roster:
        if self.deaf:
            raise StoreUnavailable()
        roster: Roster = await self._store.roster()
        return roster


@on_stage
async def test_a_slot_is_released_even_while_its_agent_is_paused(stage: Stage) -> None:
    worker = await stage.start(shop(1))
    await until(spread(1)(worker), within=5)
    stage.server.go_down()
    await asyncio.sleep(3)
    (status,) = worker.status()
    assert status.state == "paused"
    await worker.stop()
    assert await stage.store.roster() == Roster(frozenset(), {})


class Counting:
    """A store that counts how often tables are read whole."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.scans = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def scan(self, table: str, partition: int) -> dict[str, bytes]:
        self.scans += 1
        rows: dict[str, bytes] = await self._store.scan(table, partition)
        return rows


@on_stage
async def test_tables_stay_in_memory_where_nobody_has_written_since(stage: Stage) -> None:
    store = Counting(stage.store)
    worker = await stage.start(shop(1), store=store)
    await stage.send(Order("a"))
    (status,) = worker.status()
    await until(handled_by(status, 1))
    stage.server.go_down()
    await asyncio.sleep(5)
    stage.server.come_back()
    await stage.send(Order("a"))
    await until(handled_by(status, 2))
    assert status.takeovers > 1
    assert store.scans == 1
    assert await stage.table("totals0") == {"a": b"2"}
    await worker.stop()


@on_stage
async def test_tables_are_read_anew_where_somebody_else_had_the_slot(stage: Stage) -> None:
    store = Counting(stage.store)
    worker = await stage.start(shop(1), store=store)
    await stage.send(Order("a"))
    (status,) = worker.status()
    await until(handled_by(status, 1))
    assert await stage.store.acquire(Slot("count0"), worker.id, LEASE) is not None
    await stage.send(Order("a"))
    await until(handled_by(status, 2))
    assert store.scans == 2
    await worker.stop()


def handled_by(status: Any, count: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return bool(status.handled >= count)

    return enough


@on_stage
async def test_a_slot_that_was_taken_by_a_call_whose_answer_was_lost_is_not_left_alone(stage: Stage) -> None:
    name = f"{Random(1).getrandbits(64):016x}"
    await stage.store.apply(shop().specs())
    assert await stage.store.acquire(Slot("count0"), name, LEASE)
    worker = await stage.start(shop())
    assert worker.id == name
    await stage.send(Order("a"), Order("b"))
    await counted(stage, 2)
    await worker.stop()


class Slow:
    """A store whose answers take their time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return method if name == "capabilities" else partial(self._call, method)

    async def _call(self, method: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        await asyncio.sleep(self.seconds / 2)
        answer = await method(*args, **options)
        await asyncio.sleep(self.seconds / 2)
        return answer


@on_stage
async def test_a_store_that_answers_slowly_for_minutes_loses_nothing_and_all_is_spread_evenly_again(
    stage: Stage,
) -> None:
    stores = [Slow(stage.store), Slow(stage.store)]
    first, second = [await stage.start(shop(), store=cast(Store, store)) for store in stores]
    await until(spread(2, 2)(first, second))
    for store in stores:
        store.seconds = 4.5 * LEASE
    for _ in range(60):
        await stage.send(*[Order("a")] * 10)
        await asyncio.sleep(5)
    for store in stores:
        store.seconds = 0
    await counted(stage, 600)
    await until(spread(2, 2)(first, second))
    await first.stop()
    await second.stop()
