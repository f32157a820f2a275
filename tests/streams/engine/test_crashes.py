"""Crashes, takeovers, lost answers, a broker that is away: each event counts once."""

import asyncio
from typing import Any, cast

import pytest

from stores.errors import CommitUnknown, Fenced, StoreUnavailable
from stores.port import Commit, Slot, Store
from streams import App
from streams.embedded import Break, Fate
from streams.limits import Limits
from tests.streams.engine.stage import (
    Order,
    Stage,
    Unsteady,
    at_end,
    counting,
    handled,
    on_stage,
    status_of,
    told,
    totals_are,
)


@pytest.mark.parametrize(
    "step",
    [
        ("before", StoreUnavailable()),
        ("before", CommitUnknown()),
        ("after", CommitUnknown()),
        ("before", Fenced()),
        ("after", StoreUnavailable()),
        ("before", asyncio.CancelledError()),
        ("after", asyncio.CancelledError()),
    ],
)
@pytest.mark.parametrize("at", [0, 1])
@on_stage
async def test_whatever_becomes_of_a_commit_each_event_counts_once(
    stage: Stage, step: tuple[str, BaseException], at: int
) -> None:
    app = App("counter")
    counting(app)
    plan: list[tuple[str, BaseException] | None] = [None] * at
    worker = await stage.start(app, limits=Limits(events=2), store=Unsteady(stage.store, [*plan, step]))
    await stage.send(*[Order("a") for _ in range(7)])
    await totals_are(stage, a=7)
    await worker.stop()
    assert await told(stage) == [("a", n) for n in range(1, 8)]
    assert status_of(worker).takeovers == 2


class Laborious:
    """A store that needs a second for each row, and has no answer after ten: nothing is written then."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, commit: Commit) -> None:
        rows = sum(len(changes) for changes in commit.rows.values())
        await asyncio.sleep(min(rows, 10))
        if rows > 10:
            raise CommitUnknown
        await self._store.commit(commit)


@on_stage
async def test_a_batch_whose_rows_are_too_much_for_the_store_is_tried_again_in_parts(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    await stage.send(*[Order(f"user{n}") for n in range(100)])
    worker = await stage.start(app, store=cast(Store, Laborious(stage.store)))
    await handled(worker, 100)
    await worker.stop()
    assert await stage.table("totals") == {f"user{n}": b"1" for n in range(100)}
    assert len(await told(stage)) == 100
    assert status_of(worker).takeovers < 10


@pytest.mark.parametrize("fate", [Fate.UNCONFIRMED, Fate.LOST, Fate.REFUSED])
@on_stage
async def test_sends_arrive_whatever_becomes_of_their_publishing(stage: Stage, fate: Fate) -> None:
    app = App("counter")
    counting(app)
    stage.faults.fates["out"] = [Fate.KEPT, fate, Fate.KEPT, fate]
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"), Order("a"), Order("c"))
    await totals_are(stage, a=2, b=1, c=1)
    await worker.stop()
    assert sorted(await told(stage)) == [("a", 1), ("a", 2), ("b", 1), ("c", 1)]


@on_stage
async def test_a_crash_between_commit_and_publish_loses_no_send(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    stage.faults.fates["out"] = [Fate.LOST] * 1_000
    worker = await stage.start(app)
    await stage.send(Order("a"), Order("b"))
    await totals_are(stage, a=1, b=1)
    assert "publishing" in status_of(worker).troubles
    await worker.abandon()
    stage.faults.fates.clear()
    again = App("counter")
    counting(again)
    worker = await stage.start(again)
    await asyncio.sleep(30)
    await worker.stop()
    assert sorted(await told(stage)) == [("a", 1), ("b", 1)]


@on_stage
async def test_a_stopped_worker_leaves_no_outbox_and_its_slot_free(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    await worker.stop()
    checkpoint = await stage.store.acquire(Slot("count"), "somebody else", 10)
    assert checkpoint is not None
    assert checkpoint.outbox == b""
    assert checkpoint.position == 0


@on_stage
async def test_an_idle_agents_outbox_is_cleared_so_that_a_crash_repeats_nothing(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await handled(worker, 1)
    await asyncio.sleep(3)
    await worker.abandon()
    await asyncio.sleep(20)
    checkpoint = await stage.store.acquire(Slot("count"), "other", 10)
    assert checkpoint is not None
    assert (checkpoint.position, checkpoint.outbox) == (0, b"")


@on_stage
async def test_a_crashed_workers_slot_is_taken_when_its_heartbeat_has_run_out(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    first = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    await first.abandon()
    again = App("counter")
    counting(again)
    second = await stage.start(again)
    await asyncio.sleep(1)
    assert status_of(second).state == "waiting"
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    await second.stop()


@on_stage
async def test_a_worker_that_was_taken_over_changes_nothing_more(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    zombie = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    assert await stage.store.acquire(Slot("count"), zombie.id, 10) is not None
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    assert status_of(zombie).takeovers == 2
    await zombie.stop()


@on_stage
async def test_a_cut_reader_is_taken_up_again(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    stage.faults.breaks["orders"] = [None, Break.CUT, None, Break.CUT]
    worker = await stage.start(app)
    for _ in range(6):
        await stage.send(Order("a"))
    await totals_are(stage, a=6)
    await worker.stop()


@on_stage
async def test_a_broker_that_is_down_pauses_the_agent_which_resumes_by_itself(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"))
    await totals_are(stage, a=1)
    stage.server.go_down()
    await asyncio.sleep(60)
    assert status_of(worker).state == "paused"
    assert "BrokerUnavailable" in status_of(worker).reason
    stage.server.come_back()
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    assert status_of(worker).state == "running"
    await worker.stop()


@on_stage
async def test_a_successor_knows_its_position_before_anything_comes(stage: Stage) -> None:
    await stage.send(Order("a"))
    for _ in range(2):
        app = App("counter")
        counting(app)
        worker = await stage.start(app)
        await at_end(stage, worker)
        await worker.stop()
