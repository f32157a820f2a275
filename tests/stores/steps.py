"""Random steps on a store, as values that say what they are when a test fails."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from hypothesis import strategies as st

from stores.errors import StoreError
from stores.port import Checkpoint, Commit, DueTime, Epoch, IdRow, PageOfRows, Put, Reset, Slot, Store
from tests.stores.places import Place

SLOTS = (Slot("a", 0), Slot("a", 1), Slot("ä'\"", 0))
WORKERS = ("w1", "w2", "w3")
KEYS = ("", "a", "ab", "a%", "b", "é", "e\u0301", "\uffff", "😀", "'\"", "A", "10", "9")
TEXTS = ("", "a", "b", "=", "é", "😀", "\uffff", "10", "9", "true", "null", "x" * 300, "x" * 299 + "y", "\n", "nul\0")
TTL = 600.0


@dataclass
class Run:
    """One store in the course of the steps."""

    store: Store
    place: Place
    epochs: dict[Slot, Epoch] = field(default_factory=dict)


class Step(Protocol):
    async def do(self, run: Run) -> object:
        """What the store answers."""


async def answer(step: Step, run: Run) -> object:
    """What the store answers, or the kind of error that it raises."""
    try:
        return await step.do(run)
    except StoreError as error:
        return type(error)


@dataclass(frozen=True)
class Acquire:
    slot: Slot
    worker: str

    async def do(self, run: Run) -> Checkpoint | None:
        checkpoint = await run.store.acquire(self.slot, self.worker, TTL)
        if checkpoint is not None:
            run.epochs[self.slot] = checkpoint.epoch
        return checkpoint


@dataclass(frozen=True)
class Release:
    slot: Slot
    age: int

    async def do(self, run: Run) -> None:
        await run.store.release(self.slot, Epoch(run.epochs.get(self.slot, 1) - self.age))


@dataclass(frozen=True)
class Heartbeat:
    worker: str

    async def do(self, run: Run) -> None:
        await run.store.heartbeat(self.worker, TTL)


@dataclass(frozen=True)
class Elapse:
    seconds: float

    async def do(self, run: Run) -> None:
        await run.place.elapse(self.seconds)


@dataclass(frozen=True)
class Write:
    """A commit: `age` takes from the epoch, so that some commits are fenced."""

    commit: Commit
    age: int

    async def do(self, run: Run) -> None:
        epoch = Epoch(run.epochs.get(self.commit.slot, 1) - self.age)
        await run.store.commit(replace(self.commit, epoch=epoch))


@dataclass(frozen=True)
class TakeBack:
    """A reset, with an age as `Write` has."""

    reset: Reset
    age: int

    async def do(self, run: Run) -> None:
        epoch = Epoch(run.epochs.get(self.reset.slot, 1) - self.age)
        await run.store.reset(replace(self.reset, epoch=epoch))


@dataclass(frozen=True)
class Swap:
    """A slot of partition 0 in the place of the other one."""

    slot: Slot
    shadow: Slot
    age: int

    async def do(self, run: Run) -> None:
        epoch = Epoch(run.epochs.get(self.slot, 1) - self.age)
        await run.store.swap(self.slot, epoch, self.shadow, {"orders": "totals"})


@dataclass(frozen=True)
class WriteDocuments:
    puts: Sequence[Put]

    async def do(self, run: Run) -> list[bool]:
        return await run.store.write("payments", self.puts)


@dataclass(frozen=True)
class WriteLetters:
    puts: Sequence[Put]

    async def do(self, run: Run) -> list[bool]:
        return await run.store.write("letters", self.puts)


@dataclass(frozen=True)
class ReadLetters:
    ids: Sequence[str]

    async def do(self, run: Run) -> object:
        return await run.store.read("letters", self.ids), await run.store.get("letters", self.ids)


@dataclass(frozen=True)
class ReadKeys:
    keys: Sequence[str]

    async def do(self, run: Run) -> object:
        store = run.store
        rows = [await store.get(table, self.keys) for table in ("orders", "totals", "payments")]
        return rows, await store.fetch("orders", 1, self.keys), await store.read("payments", self.keys)


@dataclass(frozen=True)
class ReadAll:
    async def do(self, run: Run) -> object:
        scanned = [await run.store.scan(table, n) for table in ("orders", "totals") for n in (0, 1)]
        kept = [
            (await run.store.ids(slot), await run.store.due(slot, until, 3), await run.store.causes(slot, KEYS))
            for slot in SLOTS
            for until in (10, 2**62)
        ]
        dead = [await run.store.dead(slot, list(range(20))) for slot in SLOTS]
        return scanned, kept, dead, await run.store.standings()


@dataclass(frozen=True)
class ReadPages:
    table: str
    equals: Mapping[str, str]
    prefix: str
    order_by: str | None
    descending: bool
    limit: int

    async def do(self, run: Run) -> list[PageOfRows]:
        pages = [await self._page(run.store, None)]
        while pages[-1].cursor is not None:
            pages.append(await self._page(run.store, pages[-1].cursor))
        return pages

    async def _page(self, store: Store, cursor: str | None) -> PageOfRows:
        return await store.query(
            self.table,
            equals=self.equals,
            prefix=self.prefix,
            order_by=self.order_by,
            descending=self.descending,
            limit=self.limit,
            cursor=cursor,
        )


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(TEXTS),
    st.text(max_size=5),
)
objects = st.dictionaries(st.sampled_from(("userId", "status", "other")), scalars)
values = st.builds(
    lambda value, plain: json.dumps(value, ensure_ascii=plain).encode(),
    st.one_of(objects, objects, scalars, st.lists(scalars, max_size=3)),
    st.booleans(),
)
keys = st.one_of(st.sampled_from(KEYS), st.sampled_from(KEYS), st.text(max_size=4))
rows = st.dictionaries(keys, st.none() | values, max_size=6).map(lambda changes: list(changes.items()))
positions = st.integers(0, 20)
ids = st.none() | st.builds(IdRow, positions, positions, st.binary(max_size=20))
dues = st.builds(DueTime, st.just(""), st.integers(0, 20), st.sampled_from(("x", "y")), st.binary(max_size=8))
commits = st.builds(
    Commit,
    st.sampled_from(SLOTS),
    st.just(Epoch(0)),
    st.integers(-1, 2**62),
    st.binary(max_size=8),
    st.binary(max_size=8),
    st.integers(-(2**62), 2**62),
    st.binary(max_size=8),
    st.dictionaries(st.sampled_from(("orders", "totals")), rows),
    ids,
    st.integers(-1, 20),
    st.dictionaries(st.sampled_from(KEYS), st.none() | dues, max_size=4).map(
        lambda due: {key: None if set is None else set._replace(key=key) for key, set in due.items()}
    ),
    st.lists(positions, max_size=3),
    st.lists(positions, max_size=3),
)
resets = st.builds(
    Reset,
    st.sampled_from(SLOTS),
    st.just(Epoch(0)),
    st.lists(st.sampled_from(("orders", "totals")), unique=True),
    st.integers(-1, 20),
    st.binary(max_size=8),
    st.integers(-1, 20),
    st.none() | st.just("reborn"),
)
puts = st.builds(Put, st.sampled_from(KEYS[:5]), values, st.integers(0, 3))
fields = st.sampled_from(("userId", "status"))
ages = st.sampled_from((0, 0, 0, 1))
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Acquire, st.sampled_from(SLOTS), st.sampled_from(WORKERS)),
    st.builds(Release, st.sampled_from(SLOTS), ages),
    st.builds(Heartbeat, st.sampled_from(WORKERS)),
    # Far from the times at which a heartbeat runs out: a real clock moves a little meanwhile.
    st.builds(Elapse, st.sampled_from((TTL * 0.4, TTL * 1.1))),
    st.builds(Write, commits, ages),
    st.builds(Write, commits, ages),
    st.builds(TakeBack, resets, ages),
    st.builds(Swap, st.just(SLOTS[0]), st.just(SLOTS[2]), ages),
    st.builds(WriteDocuments, st.lists(puts, max_size=5)),
    st.builds(ReadKeys, st.lists(keys, max_size=6)),
    st.builds(ReadAll),
    st.builds(
        ReadPages,
        st.sampled_from(("orders", "payments", "totals")),
        st.dictionaries(fields, st.sampled_from(TEXTS), max_size=1),
        st.sampled_from(("", "", "a", "\uffff", "'")),
        st.none() | fields,
        st.booleans(),
        st.sampled_from((1, 2, 3, 100)),
    ),
)
letters = st.builds(Put, st.sampled_from(KEYS), values, st.sampled_from((0, 0, 0, 1, 1, 2, 3)))
document_steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(WriteLetters, st.lists(letters, max_size=8)),
    st.builds(WriteLetters, st.lists(letters, max_size=8)),
    st.builds(ReadLetters, st.lists(keys, max_size=6)),
    st.builds(
        ReadPages,
        st.sampled_from(("letters", "letters", "letters", "payments", "nowhere")),
        st.dictionaries(fields, st.sampled_from(TEXTS), max_size=2),
        st.sampled_from(("", "", "a", "\uffff", "'")),
        st.none() | fields,
        st.booleans(),
        st.sampled_from((1, 2, 3, 100)),
    ),
)
