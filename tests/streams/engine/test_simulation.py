"""The same log gives the same tables, sends and dead letters, wherever batches end and whatever fails between."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from stores.errors import CommitUnknown, StoreUnavailable
from streams import App
from streams.embedded import Break, Fate
from streams.limits import Limits
from streams.testing.virtual_time import VirtualTimeLoop
from tests.streams.engine.stage import EPOCH_MS, Counted, Order, Stage, Unsteady, status_of, until

TABLES = ("totals", "lazy", "windows", "order_matters")
FATES = [Fate.KEPT] * 15 + [Fate.LOST, Fate.UNCONFIRMED, Fate.REFUSED]
COMMITS: list[tuple[str, BaseException] | None] = [
    *[None] * 6,
    ("before", StoreUnavailable()),
    ("before", CommitUnknown()),
    ("after", CommitUnknown()),
]


@dataclass
class Result:
    """What a run has left: rows by table, sends and dead letters by number."""

    tables: dict[str, dict[str, bytes]]
    sends: dict[int, tuple[str, bytes]]
    dead: dict[int, int]


def shop() -> App:
    """An agent with tables of each kind, that fails on an amount of 13 and spoils a row on one of 14."""
    app = App("counter")
    totals = app.Table("totals", default=int)
    lazy = app.Table("lazy", value_type=int, resident=False, keys=lambda event: event.value.user)
    windows = app.Table("windows", default=int).tumbling(timedelta(seconds=10), expires=timedelta(seconds=30))
    order_matters = app.Table("order_matters", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            user, amount = order.user, order.amount
            totals[user] += amount
            windows[user] += 1
            order_matters[user] = order_matters[user] * 7 % 1_000_003 + windows[user].now() + windows[user].current()
            if amount == 5 and user in lazy:
                del lazy[user]
            else:
                lazy[user] = (lazy.get(user) or 0) + amount
            for _ in range(amount % 3):
                await out.send(value=Counted(user, totals[user]), key=user)
            if amount == 13:
                raise ValueError("thirteen")
            if amount == 14:
                totals["spoilt"] = 1j  # type: ignore[assignment]  # found out when the batch ends

    return app


async def fill(stage: Stage, random: Random) -> None:
    """The log: orders, some of them twice or late, what cannot be decoded, and what is not for the agent."""
    time = EPOCH_MS
    for number in range(60):
        time += random.choice([0, 500, 3_000, 12_000])
        kind = random.random()
        if kind < 0.08:
            await stage.raw(b"{", id=f"raw{number}")
        elif kind < 0.16:
            await stage.raw(b"{}", type="noise")
        else:
            order = Order(random.choice("abcd"), random.choice([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 13, 14]))
            happened = max(EPOCH_MS, time - random.choice([0, 0, 0, 25_000]))
            for _ in range(random.choice([1, 1, 1, 2])):
                await stage.send(order, ids=[f"id{number}"], time=happened)


async def disturb(stage: Stage, random: Random, limits: Limits) -> None:
    """Workers one after another, on a broker and a store that fail; some stop, most die."""
    for exchange in ("out", "dlx"):
        stage.faults.fates[exchange] = random.choices(FATES, k=60)
    stage.faults.breaks["orders"] = random.choices([None, None, None, Break.CUT], k=20)
    for _ in range(random.randint(1, 6)):
        store = Unsteady(stage.store, random.choices(COMMITS, k=20))
        worker = await stage.start(shop(), limits=limits, store=store)
        await asyncio.sleep(random.choice([0.01, 0.3, 1.2, 3, 20]))
        await (worker.stop() if random.random() < 0.3 else worker.abandon())
    stage.faults.fates.clear()
    stage.faults.breaks.clear()


async def to_the_end(stage: Stage, limits: Limits) -> None:
    worker = await stage.start(shop(), limits=limits)
    last = (await stage.broker.extent("orders")).last

    async def there() -> bool:
        return status_of(worker).position == last

    await until(there)
    await worker.stop()


async def result(stage: Stage) -> Result:
    sends: dict[int, tuple[str, bytes]] = {}
    for envelope in await stage.log("counted"):
        sent = envelope.id, envelope.body
        assert sends.setdefault(envelope.seq, sent) == sent, "one number, one send"
    assert len({id for id, _ in sends.values()}) == len(sends), "one send, one id"
    tables = {name: await stage.table(name) for name in TABLES}
    return Result(tables, sends, {letter.seq: headers["dead-offset"] for letter, headers in await stage.dead()})


def run(seed: int, limits: Limits, *, disturbed: bool) -> Result:
    async def runs() -> Result:
        stage = Stage()
        await fill(stage, Random(seed))
        if disturbed:
            await disturb(stage, Random(f"{seed} {limits}"), limits)
        await to_the_end(stage, limits)
        left = await result(stage)
        await stage.server.close()
        return left

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(runs())


@pytest.mark.parametrize("seed", range(6))
def test_a_run_depends_on_its_log_alone(seed: int) -> None:
    wanted = run(seed, Limits(), disturbed=False)
    assert len(wanted.sends) > 20
    for limits in (Limits(events=1), Limits(events=3, bytes=1_500), Limits(events=7), Limits()):
        for disturbed in (False, True):
            assert run(seed, limits, disturbed=disturbed) == wanted, (limits, disturbed)
