"""A model of the checkpoint protocol: two workers, a log of four messages, one store, one broker, two readers.

Everything that may happen in any order does: takeovers at any time (clocks serve liveness, safety is the epoch alone),
crashes, commits whose outcome is unknown (written, not written, or written later), connections that break with confirms
missing, requests that arrive after their sender was given up, and nacks. A budget bounds how much happens; within
it nothing is left out. The engine's own words are used: see docs/engine.md and streams/tenure.py.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")

EVENTS = (0, 1, 0, 2)
"""The ids of the log's messages: the third is the first again."""
LARGEST = 2
"""Events in a batch, at most; the batch's size is anybody's choice."""

Rows = tuple[int, int]
Line = tuple["Send", ...]


class Rules(NamedTuple):
    """The protocol's rules. A variant breaks one."""

    fence: bool = True
    """A commit changes nothing unless its epoch is the slot's."""
    rows_in_commit: bool = True
    """The rows that a batch changed are written in the transaction that moves the position, not after it."""
    outbox_in_commit: bool = True
    """So are its sends."""
    ids_in_commit: bool = True
    """So are the ids it has seen."""
    republish: bool = True
    """Taking over, the outbox is published again."""
    epoch_first: bool = True
    """The epoch is raised before state is read."""
    confirmed_first: bool = True
    """A batch's outbox is confirmed before the next one takes its place."""
    clear_when_confirmed: bool = True
    """An outbox is cleared only once it is confirmed."""
    forget_when_in_doubt: bool = True
    """After a commit of unknown outcome everything is read again, under a new epoch."""
    floor: bool = True
    """A reader takes what lies below the floor for a repeat."""
    seen: bool = True
    """A reader remembers numbers from the floor on."""
    exact: bool = True
    """A reader remembers each number, and not only the highest."""
    honest_floor: bool = True
    """The floor is the first number of the outbox."""
    forgets: bool = True
    """A reader forgets numbers below the floor."""


class Send(NamedTuple):
    """A message of the agent: its number and the floor of its outbox."""

    seq: int
    floor: int


class Commit(NamedTuple):
    """A request to the store: as the engine's, it holds the rows that have changed, and new ids."""

    epoch: int
    position: int
    rows: tuple[tuple[int, int], ...]
    ids: frozenset[int]
    outbox: Line


class Stored(NamedTuple):
    """The slot's row and its table."""

    epoch: int = 0
    position: int = -1
    rows: Rows = (0, 0)
    ids: frozenset[int] = frozenset()
    outbox: Line = ()


class Worker(NamedTuple):
    """A worker; what it has in memory, and its connection to the broker."""

    phase: str = "down"
    """down, peeked (state was read before the epoch), taking, running, committing"""
    epoch: int = 0
    position: int = -1
    rows: Rows = (0, 0)
    ids: frozenset[int] = frozenset()
    stored: bool = False
    """Whether the store has an outbox."""
    unconfirmed: Line = ()
    line: Line = ()
    """Of these, what the broker has not had yet."""
    refused: Line = ()
    """Of these, what it has refused."""
    request: Commit | None = None


class Reader(NamedTuple):
    """What a reader of the agent's sends remembers of the lane, and what it has counted."""

    floor: int = 0
    seen: frozenset[int] = frozenset()
    counted: tuple[int, ...] = ()


class Budget(NamedTuple):
    """How much may still happen."""

    takeovers: int
    mishaps: int
    """Crashes, broken connections, commits of unknown outcome, nacks: any of them, in any order."""


class World(NamedTuple):
    """A state of everything."""

    budget: Budget
    store: Stored = Stored()
    workers: tuple[Worker, Worker] = (Worker(), Worker())
    requests: tuple[Commit, ...] = ()
    """Commits under way whose senders no longer wait for them."""
    lines: tuple[Line, ...] = ()
    """Messages in broken connections, which the broker may still read."""
    readers: tuple[Reader, Reader] = (Reader(), Reader())
    """One hears everything, one only odd numbers."""
    nacked: bool = False


# --- what the agent is: a function of its log ---


class Batch(NamedTuple):
    """What is in memory after a batch, and what it sends."""

    rows: Rows
    ids: frozenset[int]
    outbox: Line


def handled(position: int, rows: Rows, ids: frozenset[int], upto: int, rules: Rules) -> Batch:
    """The batch of the events after `position`, up to an offset. Rows count even and odd ids."""
    numbers: list[int] = []
    for offset in range(position + 1, upto + 1):
        id = EVENTS[offset]
        if id not in ids:
            ids |= {id}
            rows = (rows[0], rows[1] + 1) if id % 2 else (rows[0] + 1, rows[1])
            numbers.append(offset)
    floor = (numbers[0] if rules.honest_floor else numbers[-1]) if numbers else 0
    return Batch(rows, ids, tuple(Send(seq, floor) for seq in numbers))


CORRECT = {upto: handled(-1, (0, 0), frozenset(), upto, Rules()) for upto in range(-1, len(EVENTS))}
"""What has to be in the store at each position, and what has to have been sent."""


# --- what may happen ---


def after(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """Everything that may happen next."""
    for index in (0, 1):
        for what, reached in _worker(world, index, rules):
            yield f"epoch {world.workers[index].epoch} {what}", reached
    yield from _network(world, rules)


def _worker(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker = world.workers[index]
    if worker.phase != "down":
        yield from _mishaps(world, index, rules)
    match worker.phase:
        case "down" | "peeked":
            yield from _take_over(world, index, rules)
        case "taking":
            yield from _load(world, index, rules)
        case "running":
            yield from _commit(world, index, rules)
        case "committing":
            yield from _answered(world, index, rules)


def _take_over(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker, store, budget = world.workers[index], world.store, world.budget
    if not rules.epoch_first and worker.phase == "down":
        yield "reads the state", _with(world, index, Worker("peeked", rows=store.rows, ids=store.ids))
        return
    if not budget.takeovers:
        return
    epoch = store.epoch + 1
    outbox = store.outbox if rules.republish else ()
    taking = worker._replace(
        phase="taking",
        epoch=epoch,
        position=store.position,
        stored=bool(store.outbox),
        unconfirmed=outbox,
        line=outbox,
    )
    world = world._replace(store=store._replace(epoch=epoch), budget=budget._replace(takeovers=budget.takeovers - 1))
    yield f"takes over under epoch {epoch}", _with(world, index, taking)


def _load(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker, store = world.workers[index], world.store
    if worker.unconfirmed:
        yield from _resend_refused(world, index)
    elif rules.epoch_first:
        yield "loads", _with(world, index, worker._replace(phase="running", rows=store.rows, ids=store.ids))
    else:
        yield "runs", _with(world, index, worker._replace(phase="running"))


def _commit(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker = world.workers[index]
    yield from _resend_refused(world, index)
    confirmed = not worker.unconfirmed
    if confirmed or not rules.confirmed_first:
        for upto in range(worker.position + 1, min(worker.position + LARGEST, len(EVENTS) - 1) + 1):
            batch = handled(worker.position, worker.rows, worker.ids, upto, rules)
            changed = tuple((row, new) for row, new in enumerate(batch.rows) if new != worker.rows[row])
            commit = Commit(worker.epoch, upto, changed, batch.ids - worker.ids, batch.outbox)
            yield f"commits @{upto}", _with(world, index, worker._replace(phase="committing", request=commit))
    if worker.stored and (confirmed or not rules.clear_when_confirmed):
        commit = Commit(worker.epoch, worker.position, (), frozenset(), ())
        yield "clears the outbox", _with(world, index, worker._replace(phase="committing", request=commit))


def _resend_refused(world: World, index: int) -> Iterator[tuple[str, World]]:
    worker = world.workers[index]
    if worker.refused and not worker.line:
        again = worker._replace(line=worker.refused, unconfirmed=worker.refused, refused=())
        yield "sends again what was refused", _with(world, index, again)


def _answered(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker, commit = world.workers[index], world.workers[index].request
    assert commit is not None
    written = _written(world.store, commit, rules)
    if written is None:
        yield "is fenced", _with(world, index, Worker())
        return
    yield "has committed", _with(world._replace(store=written), index, _moved_on(worker, commit))
    if not world.budget.mishaps:
        return
    world = world._replace(budget=world.budget._replace(mishaps=world.budget.mishaps - 1))
    doubtful = Worker() if rules.forget_when_in_doubt else worker._replace(phase="running", request=None)
    yield "does not know that its commit is written", _with(world._replace(store=written), index, doubtful)
    yield "does not know that its commit is not written", _with(world, index, doubtful)
    late = world._replace(requests=_sorted(world.requests, commit))
    yield "does not know that its commit will be written", _with(late, index, doubtful)


def _moved_on(worker: Worker, commit: Commit) -> Worker:
    line = worker.line + commit.outbox
    return worker._replace(
        phase="running",
        position=commit.position,
        rows=_changed(worker.rows, commit),
        ids=worker.ids | commit.ids,
        stored=bool(commit.outbox),
        unconfirmed=worker.unconfirmed + commit.outbox,
        line=line,
        request=None,
    )


def _written(store: Stored, commit: Commit, rules: Rules) -> Stored | None:
    """The store with that commit; None where the fence keeps it out."""
    if rules.fence and commit.epoch != store.epoch:
        return None
    return store._replace(
        position=commit.position,
        rows=_changed(store.rows, commit) if rules.rows_in_commit else store.rows,
        ids=store.ids | commit.ids if rules.ids_in_commit else store.ids,
        outbox=commit.outbox if rules.outbox_in_commit else (),
    )


def _changed(rows: Rows, commit: Commit) -> Rows:
    changed = dict(enumerate(rows)) | dict(commit.rows)
    return changed[0], changed[1]


def _mishaps(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker, budget = world.workers[index], world.budget
    if budget.mishaps:
        left = world._replace(budget=budget._replace(mishaps=budget.mishaps - 1))
        if worker.request is not None:
            left = left._replace(requests=_sorted(left.requests, worker.request))
        if worker.line:
            left = left._replace(lines=_sorted(left.lines, worker.line))
        yield "crashes", _with(left, index, Worker())
    if worker.unconfirmed and budget.mishaps:
        left = world._replace(budget=budget._replace(mishaps=budget.mishaps - 1))
        if worker.line:
            left = left._replace(lines=_sorted(left.lines, worker.line))
        again = tuple(sorted(worker.unconfirmed))
        yield "loses its connection", _with(left, index, worker._replace(unconfirmed=again, line=again, refused=()))
    answered = tuple(sorted({*worker.line, *worker.refused}))
    if answered != tuple(sorted(worker.unconfirmed)):
        yield "hears confirms", _with(world, index, worker._replace(unconfirmed=answered))
    if worker.line:
        yield from _broker(world, index, worker, rules)


def _broker(world: World, index: int, worker: Worker, rules: Rules) -> Iterator[tuple[str, World]]:
    send, rest = worker.line[0], worker.line[1:]
    kept = world._replace(readers=_heard(world.readers, send, rules))
    yield f"the broker keeps {send.seq}", _with(kept, index, worker._replace(line=rest))
    if world.budget.mishaps:
        left = world._replace(budget=world.budget._replace(mishaps=world.budget.mishaps - 1), nacked=True)
        refused = (*worker.refused, send)
        yield f"the broker refuses {send.seq}", _with(left, index, worker._replace(line=rest, refused=refused))


def _network(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """What was on its way when its sender was given up arrives, or does not."""
    for request in dict.fromkeys(world.requests):
        left = world._replace(requests=_without(world.requests, request))
        yield "a late commit is lost", left
        written = _written(world.store, request, rules)
        if written is not None:
            yield "a late commit arrives", left._replace(store=written)
    for line in dict.fromkeys(world.lines):
        left = world._replace(lines=_without(world.lines, line))
        yield "a broken connection's messages are lost", left
        send, rest = line[0], line[1:]
        if rest:
            left = left._replace(lines=_sorted(left.lines, rest))
        yield f"the broker reads {send.seq} late", left._replace(readers=_heard(world.readers, send, rules))


# --- the reader ---


def _heard(readers: tuple[Reader, Reader], send: Send, rules: Rules) -> tuple[Reader, Reader]:
    everything, odd = readers
    return _judged(everything, send, rules), _judged(odd, send, rules) if send.seq % 2 else odd


def _judged(reader: Reader, send: Send, rules: Rules) -> Reader:
    """As streams/lanes.py judges."""
    floor, seen, counted = reader
    if not rules.exact:
        if seen and send.seq <= max(seen):
            return reader
        return Reader(floor, frozenset({send.seq}), (*counted, send.seq))
    if send.floor > floor:
        floor = send.floor
        if rules.forgets:
            seen = frozenset(seq for seq in seen if seq >= floor)
    if (rules.floor and send.seq < floor) or (rules.seen and send.seq in seen):
        return Reader(floor, seen, counted)
    return Reader(floor, seen | {send.seq}, (*counted, send.seq))


# --- what must hold ---


def fault(world: World) -> str:
    """What is wrong with a state: "" if nothing is."""
    store, correct = world.store, CORRECT[world.store.position]
    if (store.rows, store.ids) != (correct.rows, correct.ids):
        return f"at position {store.position} the table holds {store.rows}, and should hold {correct.rows}"
    waiting = {send.seq for send in store.outbox}
    for reader, hears in zip(world.readers, ((0, 1), (1,)), strict=True):
        if len(set(reader.counted)) != len(reader.counted):
            return f"a reader counts {reader.counted}: something twice"
        due = {send.seq for send in correct.outbox if send.seq % 2 in hears}
        if lost := due - waiting - set(reader.counted):
            return f"{lost} is neither in the outbox nor with its reader: lost"
        if not world.nacked and reader.counted != tuple(sorted(reader.counted)):
            return f"a reader counts {reader.counted}: out of order"
        if len(reader.seen) > LARGEST:
            return f"a reader remembers {set(reader.seen)}: more than an outbox"
    return ""


def complete(world: World) -> bool:
    """Whether everything is done."""
    return world.store.position == len(EVENTS) - 1 and not world.store.outbox


# --- small changes ---


def _with(world: World, index: int, worker: Worker) -> World:
    """The world with that worker changed. Which of the two is which makes no difference: it is one state."""
    one, other = worker, world.workers[1 - index]
    return world._replace(workers=(one, other) if _order(one) <= _order(other) else (other, one))


def _order(worker: Worker) -> tuple[int, str, Rows]:
    return worker.epoch, worker.phase, worker.rows


def _sorted(some: tuple[T, ...], one: T) -> tuple[T, ...]:
    return tuple(sorted((*some, one), key=repr))


def _without(some: tuple[T, ...], one: T) -> tuple[T, ...]:
    index = some.index(one)
    return some[:index] + some[index + 1 :]
