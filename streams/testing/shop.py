"""The scenario that `python -m streams.testing` runs: everything the engine has, in a small shop.

`count` (log agent) keeps tables of each kind, tells every change, and reminds itself of some orders; `bill` (queue
agent) keeps documents, fails at first for some, and tells what it billed; `audit` (log agent of another service, on a
log in partitions) hears both, and notes what is missing, doubled or out of order.
"""

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from random import Random

from streams.app import App
from streams.record import Record
from streams.stream import Stream
from streams.testing.scenario import EPOCH_MS, Input, Outcome, Scenario, Violation
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

POISON = 13
"""An order of this amount fails in `count`, each time: a dead letter."""
REMINDED = 7
"""An order of this amount sets a due time."""
FLAKY = 5
"""An order of this amount fails in `bill`, at first."""


class Ordered(Record, event="order"):
    """Comes in."""

    order: str
    user: str
    amount: int


class Noise(Record, event="noise"):
    """Comes in, and nobody reads it."""


class Counted(Record, event="counted"):
    """An order counted: the user's `number`th."""

    user: str
    number: int
    total: int


class Reminder(Record, event="reminder"):
    """Comes due."""

    order: str
    user: str


class Billed(Record, event="billed"):
    """An order billed."""

    order: str
    user: str


class Bill(Record):
    """The document of an order."""

    amount: int
    state: str


topology = Topology(
    (
        Service("shared", exchanges=(Exchange("dlx"),), logs=(Log("dead.letters", (Binding("dlx", "#"),)),)),
        Service(
            "counter",
            exchanges=(Exchange("in"), Exchange("out")),
            publishes={"in": ("order", "noise"), "out": ("counted",)},
            logs=(Log("orders", (Binding("in", "#"),), due=("reminder",)),),
        ),
        Service(
            "billing",
            publishes={"out": ("billed",)},
            queues=(Queue("bills", (Binding("in", "order"),), retry=("1s", "5s"), delivery_limit=1_000),),
        ),
        Service("auditor", logs=(Log("heard", (Binding("out", "#"),), partitions=2, key="user"),)),
    )
)


def counter() -> App:
    """Counts per user, in a resident table, in one that is not, and in windows."""
    app = App("counter")
    numbers = app.Table("numbers", default=int)
    totals = app.Table("totals", value_type=int, resident=False, keys=lambda event: event.value.user)
    windows = app.Table("windows", default=int).tumbling(timedelta(seconds=10))
    history = app.Table("history", default=int)
    reminded = app.Table("reminded", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Ordered | Reminder))
    async def count(stream: Stream[Ordered | Reminder]) -> None:
        async for event in stream.events():
            order, user = event.value, event.value.user
            if isinstance(order, Reminder):
                reminded[order.order] += 1
                continue
            if order.amount == REMINDED:
                stream.schedule(order.order, event.log_time + timedelta(seconds=2), Reminder(order.order, user))
            numbers[user] += 1
            totals[user] = (totals.get(user) or 0) + order.amount
            windows[user] += 1
            history[user] = rolled(history[user], order.amount)
            await out.send(value=Counted(user, numbers[user], totals[user]), key=user)
            if order.amount == POISON:
                raise ValueError("unlucky")

    return app


def rolled(history: int, amount: int) -> int:
    """A number that tells orders of events apart."""
    return (history * 31 + amount) % 1_000_003


def billing() -> App:
    """Writes a document for each order, in two steps, and tells it."""
    app = App("billing")
    bills = app.documents("bills", Bill)
    out = app.topic("out", value_type=Billed)

    @app.agent(app.topic("bills", value_type=Ordered), name="bill", concurrency=2, prefetch=5)
    async def bill(stream: Stream[Ordered]) -> None:
        async for event in stream.events():
            order = event.value
            document, version = await bills.get(order.order)
            if document is None:
                version = await bills.put(order.order, Bill(order.amount, "open"), version)
            if order.amount == FLAKY and event.attempt == 1:
                raise ConnectionError("the first attempt fails")
            if document is None or document.state == "open":
                await bills.put(order.order, Bill(order.amount, "sent"), version)
            await out.send(value=Billed(order.order, order.user), key=order.user)

    return app


def auditor() -> App:
    """Hears what the others say, and finds fault."""
    app = App("auditor")
    last = app.Table("last", value_type=Counted)
    faults = app.Table("faults", default=int, merge=operator.add)
    billed = app.Table("billed", default=int, merge=operator.add)

    @app.agent(app.topic("heard", value_type=Counted | Billed))
    async def audit(stream: Stream[Counted | Billed]) -> None:
        async for event in stream:
            if isinstance(event, Billed):
                billed[event.order] += 1
                continue
            before = last.get(event.user)
            number = 0 if before is None else before.number
            if event.number != number + 1:
                faults[f"{event.user}: {event.number} after {number}"] += 1
            last[event.user] = event

    return app


def apps() -> Sequence[App]:
    """All three services."""
    return counter(), billing(), auditor()


def inputs(random: Random) -> Iterator[Input]:
    """Orders, some told late, among noise."""
    time = EPOCH_MS
    for number in range(random.randint(4, 30)):
        time += random.choice((0, 200, 3_000))
        if random.random() < 0.1:
            yield Input("in", Noise(), id=f"noise-{number}")
        user, amount = random.choice("abc"), random.choice((1, 2, 3, 4, FLAKY, 7, 8, POISON))
        yield Input(
            "in",
            Ordered(f"order-{number}", user, amount),
            key=user,
            id=f"id-{number}",
            time=max(EPOCH_MS, time - random.choice((0, 0, 25_000))),
            after=random.choice((0.0, 0.0, 0.0, 0.01, 0.3, 2.0)),
        )


def check(outcome: Outcome) -> Iterable[Violation]:
    """Everything that the input says, and nothing else."""
    orders = [given.value for given in outcome.inputs if isinstance(given.value, Ordered)]
    yield from _counted(outcome, [order for order in orders if order.amount != POISON])
    yield from _billed(outcome, orders)
    letters = {(letter.lane, letter.seq) for letter in outcome.log("dead.letters")}
    yield from _compared("dead letters", {"": len(letters)}, {"": sum(order.amount == POISON for order in orders)})


def _counted(outcome: Outcome, orders: list[Ordered]) -> Iterator[Violation]:
    numbers = Counter(order.user for order in orders)
    totals: Counter[str] = Counter()
    histories: dict[str, int] = {}
    for order in orders:
        totals[order.user] += order.amount
        histories[order.user] = rolled(histories.get(order.user, 0), order.amount)
    windows: Counter[str] = Counter()
    for key, count in outcome.table("counter", "windows").items():
        windows[key[0]] += count
    yield from _compared("numbers", outcome.table("counter", "numbers"), numbers)
    yield from _compared("totals", outcome.table("counter", "totals"), totals)
    yield from _compared("windows", windows, numbers)
    due = {order.order: 1 for order in orders if order.amount == REMINDED}
    yield from _compared("reminders", outcome.table("counter", "reminded"), due)
    for user, history in histories.items():
        if outcome.table("counter", "history").get(user) != history:
            yield Violation("order", f"the orders of {user} were not counted in their order")
    heard = {user: last.number for user, last in outcome.table("auditor", "last").items()}
    yield from _compared("numbers heard", heard, numbers)
    for fault in outcome.table("auditor", "faults"):
        yield Violation("order", f"heard of {fault}")


def _billed(outcome: Outcome, orders: list[Ordered]) -> Iterator[Violation]:
    yield from _compared("bills heard", outcome.table("auditor", "billed"), {order.order: 1 for order in orders})
    states = {id: bill.state for id, bill in outcome.documents("billing", "bills").items()}
    if states != {order.order: "sent" for order in orders}:
        yield Violation("wrong", f"not every bill is sent: {states}")


def _compared(what: str, found: dict[str, int], wanted: dict[str, int]) -> Iterator[Violation]:
    for key in sorted(found.keys() | wanted.keys()):
        have, want = found.get(key, 0), wanted.get(key, 0)
        if have != want:
            yield Violation("lost" if have < want else "twice", f"{what} {key}: {have} in place of {want}")


def scenario() -> Scenario:
    """The whole of it."""
    return Scenario(apps, topology, inputs, check)
