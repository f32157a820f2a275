"""The replay itself: publish, wait until everything is through, compare."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID, uuid5

from agents.inventory.events import MAIN
from stores.errors import StoreUnavailable
from streams import Publisher
from streams.broker import Broker, Message, Outcome
from streams.errors import BrokerError
from warren.replay.dataset import Basket
from warren.replay.errors import Stalled
from warren.replay.figures import Figures, differences
from warren.replay.goods import supplies
from warren.replay.orders import NAMESPACE, order_id, order_place, product_id
from warren.replay.tables import Tables

MOST_UNFINISHED: Final = 1_000
"""Orders under way at once, at the most."""
BATCH: Final = 100
ASKED: Final = 2 * BATCH
"""Orders asked for at once, the oldest: to ask for all, again and again, takes more than handling them."""
LOOK: Final = 0.1
"""Seconds between two looks at them, while some are unfinished."""
SUPPLIED: Final = 1_000
"""Products and deliveries published at once."""
PATIENCE: Final = 60.0
"""Seconds without any order finished, or any figure changed, after which the replay says that something is stuck."""
PAUSE: Final = 0.5
"""Seconds between tries at a broker or a store that is away."""
STAGES: Final = {"saga": "orders.saga", "inventory": "inventory.commands", "analytics": "analytics.all.events"}
"""Stage -> the log it reads."""

T = TypeVar("T")

Progress = Callable[[int], None]
"""Told how many orders are finished."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the replay found."""

    wanted: Figures
    found: Figures
    elapsed: float
    stages: dict[str, float]
    """Events a second of each stage."""

    @property
    def differences(self) -> list[str]:
        """What is not as the data says."""
        return differences(self.wanted, self.found)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size`."""
    source = iter(items)
    while group := list(islice(source, size)):
        yield group


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of a store; where it is away, asked again until it is back. Raises Stalled."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await ask()
        except StoreUnavailable as error:
            if time.monotonic() > deadline:
                raise Stalled(f"for {PATIENCE:.0f} s: {error}") from error
            await asyncio.sleep(PAUSE)


def _next(groups: Iterator[list[Basket]]) -> list[Basket]:
    return next(groups, [])


class Replay:
    """Publishes baskets as orders, never more than MOST_UNFINISHED ahead of what is finished."""

    def __init__(self, publisher: Publisher, broker: Broker, tables: Tables, *, rate: float | None = None) -> None:
        """`rate`: orders a second, at the most."""
        self._publisher = publisher
        self._broker = broker
        self._tables = tables
        self._rate = rate
        self._unfinished: dict[UUID, None] = {}
        """The oldest first."""
        self._finished = 0
        self._began = time.monotonic()

    async def supply(self, products: Sequence[int]) -> None:
        """See that these products can be ordered, which come as they are first bought: where the last is here already,
        so are all before it. Raises Stalled."""
        last = product_id(products[-1])
        if await patiently(lambda: self._tables.has_stock(last)):
            return
        await self._deliver(products)
        deadline = time.monotonic() + PATIENCE
        while not await patiently(lambda: self._tables.has_stock(last)):
            if time.monotonic() > deadline:
                raise Stalled(f"no goods have arrived for {PATIENCE:.0f} s: does the worker of the inventory run?")
            await asyncio.sleep(PAUSE / 10)

    async def _deliver(self, products: Sequence[int]) -> None:
        """Publish them, the last when all before it are in the log: once it has arrived, all have."""
        *before, last = (
            self._publisher.record("commands", record, key=MAIN, id=id, correlation_id=id)
            for id, record in supplies(products)
        )
        for group in batched(before, SUPPLIED):
            await self._persist(group)
        await self._persist([last])

    async def run(self, baskets: Iterable[Basket], progress: Progress) -> Result:
        """Raises Stalled when nothing moves any more."""
        before = await self._logs()
        wanted, ids = Figures(), set[str]()
        groups = batched(baskets, BATCH)
        group = await asyncio.to_thread(_next, groups)  # reading the file takes seconds: agents must not wait for it
        self._began = time.monotonic()
        while group:
            for basket in group:
                wanted.add(basket)
                ids.add(str(order_id(basket.id)))
            await self._publish([self._message(basket) for basket in group], progress)
            group = _next(groups)
        await self._room(progress, upto=0)
        found = await self._settled(wanted, ids)
        elapsed = time.monotonic() - self._began
        return Result(wanted, found, elapsed, await self._speeds(before, wanted.orders, elapsed))

    def _message(self, basket: Basket) -> Message:
        id = order_id(basket.id)
        return self._publisher.record(
            "commands",
            order_place(basket),
            key=str(id),
            id=str(uuid5(NAMESPACE, f"place/{basket.id}")),
            time=round(basket.time.timestamp() * 1000),
            correlation_id=str(id),
        )

    async def _publish(self, messages: list[Message], progress: Progress) -> None:
        await self._room(progress, upto=MOST_UNFINISHED - len(messages))
        await self._pace(len(messages))
        self._unfinished.update((UUID(str(message.headers["key"])), None) for message in messages)
        await self._persist(messages)

    async def _persist(self, messages: list[Message]) -> None:
        """Publish until the broker has them."""
        deadline = time.monotonic() + PATIENCE
        while messages:
            outcomes = await self._publisher.publish(messages)
            messages = [m for m, o in zip(messages, outcomes, strict=True) if o is not Outcome.CONFIRMED]
            if messages and time.monotonic() > deadline:
                raise Stalled(f"the broker has taken nothing for {PATIENCE:.0f} s: is it up?")
            if messages:
                await asyncio.sleep(PAUSE)

    async def _pace(self, count: int) -> None:
        if self._rate is not None:
            due = self._began + (self._finished + len(self._unfinished) + count) / self._rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _room(self, progress: Progress, upto: int) -> None:
        """Wait until no more than so many orders are unfinished."""
        deadline = time.monotonic() + PATIENCE
        while len(self._unfinished) > upto:
            asked = list(islice(self._unfinished, ASKED))
            done = await patiently(partial(self._tables.finished, asked))
            for order in done:
                del self._unfinished[order]
            self._finished += len(done)
            if done:
                progress(self._finished)
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise Stalled(
                    f"no order was finished for {PATIENCE:.0f} s, {len(self._unfinished)} are under way: "
                    "do all workers run? `/readyz` of each says what is wrong"
                )
            if len(done) < len(asked):
                await asyncio.sleep(LOOK)

    async def _settled(self, wanted: Figures, ids: set[str]) -> Figures:
        """The figures once analytics has caught up: when they are right, or when they do not change any more."""
        days = sorted(wanted.days)
        last, deadline = None, time.monotonic() + PATIENCE / 4
        while time.monotonic() < deadline:
            found = await patiently(lambda: self._tables.days(days))
            if sum(found.values()) == wanted.revenue:
                break
            if found != last:
                last, deadline = found, time.monotonic() + PATIENCE / 4
            await asyncio.sleep(0.2)
        return await patiently(lambda: self._tables.figures(ids, days))

    async def _logs(self) -> dict[str, int]:
        ends: dict[str, int] = {}
        for stage, log in STAGES.items():
            try:
                ends[stage] = (await self._broker.extent(log)).last + 1
            except BrokerError:
                ends[stage] = 0
        return ends

    async def _speeds(self, before: dict[str, int], orders: int, elapsed: float) -> dict[str, float]:
        after = await self._logs()
        speeds = {"orders": orders / elapsed}
        return speeds | {stage: (after[stage] - before[stage]) / elapsed for stage in after}
