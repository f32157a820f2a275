"""The service that the proofs run: small, with every kind of state and of send, and all of it can be computed again."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from streams import App, Record
from streams.documents import Documents
from streams.stream import Stream
from tests.prove.spring import Spring
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

SERVICE: Final = "counter"


class Entry(Record, event="entry"):
    """What comes in: each user's entries are numbered from 0."""

    user: str
    serial: int
    amount: int


class Counted(Record, event="counted"):
    """What the log agent sends of each entry."""

    user: str
    serial: int
    amount: int
    total: int


class Handled(Record, event="handled"):
    """What the queue agent sends of each entry, twice."""

    user: str
    serial: int
    amount: int
    half: int


class Sum(msgspec.Struct):
    """What is known of a user's entries. `chain` depends on the order they were seen in."""

    count: int = 0
    amount: int = 0
    chain: int = 0

    def add(self, serial: int, amount: int) -> None:
        self.count += 1
        self.amount += amount
        self.chain = (self.chain * 31 + serial + 1) % 1_000_000_007


class Job(msgspec.Struct):
    """A queue agent's document: its intent, then its outcome."""

    state: str
    amount: int


class Flaw(Exception):
    """This entry fails."""


def fails(entry: Entry, attempt: int) -> bool:
    """Whether the queue agent fails: always for an amount of 0, and with every tenth serial at the first attempt."""
    return entry.amount == 0 or (entry.serial % 10 == 7 and attempt == 1)


def topology() -> Topology:
    """`in` → `entries` (log) and `jobs` (queue); `out` → `counted` and `handled` (logs); `dead.letters` (log)."""
    shared = Service("shared", exchanges=(Exchange("dlx"),), logs=(Log("dead.letters", (Binding("dlx", "#"),)),))
    counter = Service(
        SERVICE,
        exchanges=(Exchange("in"), Exchange("out")),
        publishes={"in": ("entry",), "out": ("counted", "handled")},
        logs=(
            Log("entries", (Binding("in", "#"),)),
            Log("counted", (Binding("out", "counted"),)),
            Log("handled", (Binding("out", "handled"),)),
        ),
        queues=(Queue("jobs", (Binding("in", "#"),), retry=("1s", "1s"), delivery_limit=50),),
    )
    return Topology((shared, counter))


def subject(spring: Spring) -> App:
    """The service. Its bodies pass the points `body` and `handle` of the spring."""
    app = App(SERVICE)
    _log_agent(app, spring)
    _queue_agent(app, spring)
    _reader(app, "tally", "tallies", "counted", Counted)
    _reader(app, "settle", "settled", "handled", Handled)
    _keeper(app)
    return app


def _log_agent(app: App, spring: Spring) -> None:
    sums = app.Table("sums", default=Sum)
    hours = app.Table("hours", default=int)
    by_hour = hours.tumbling(timedelta(hours=1))
    tens = app.Table("tens", default=int, resident=False, keys=lambda event: _ten(event.value))
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("entries", value_type=Entry), name="count", tables=(sums, hours, tens))
    async def count(stream: Stream[Entry]) -> None:
        async for entry in stream:
            total = sums[entry.user]
            total.add(entry.serial, entry.amount)
            by_hour[entry.user] += entry.amount
            spring.at("body")
            tens[_ten(entry)] += entry.amount
            await out.send(value=Counted(entry.user, entry.serial, entry.amount, total.amount), key=entry.user)


def _ten(entry: Entry) -> str:
    return f"{entry.user}/{entry.serial // 10}"


def _queue_agent(app: App, spring: Spring) -> None:
    jobs = app.documents("jobs", Job)
    out = app.topic("out", value_type=Handled)

    @app.agent(app.topic("jobs", value_type=Entry), name="handle", concurrency=64, prefetch=200)
    async def handle(stream: Stream[Entry]) -> None:
        async for event in stream.events():
            entry = event.value
            spring.at("handle")
            if fails(entry, event.attempt):
                raise Flaw(f"attempt {event.attempt}")
            await _work(jobs, event.id, entry)
            for half in (0, 1):
                await out.send(value=Handled(entry.user, entry.serial, entry.amount, half), key=entry.user)


async def _work(jobs: Documents[Job], id: str, entry: Entry) -> None:
    """Intent, effect (here: none), outcome; every step may be repeated."""
    job, version = await jobs.get(id)
    if job is None:
        version = await jobs.put(id, Job("begun", entry.amount), version)
    if job is None or job.state != "done":
        await jobs.put(id, Job("done", entry.amount), version)


def _reader(app: App, name: str, table: str, log: str, kind: type[Any]) -> None:
    sums = app.Table(table, default=Sum)

    @app.agent(app.topic(log, value_type=kind), name=name, tables=(sums,))
    async def read(stream: Stream[Any]) -> None:
        async for sent in stream:
            sums[sent.user].add(sent.serial, sent.amount)


def _keeper(app: App) -> None:
    letters = app.Table("letters", default=int)

    @app.agent(app.topic("dead.letters", value_type=Entry), name="keep", tables=(letters,))
    async def keep(stream: Stream[Entry]) -> None:
        async for event in stream.events():
            letters[str(event.headers["dead-id"])] += 1
