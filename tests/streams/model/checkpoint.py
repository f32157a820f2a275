"""A model of the checkpoint protocol: two workers, a log of four messages, one store, one broker, two readers.

Everything that may happen in any order does: takeovers at any time (clocks serve liveness, safety is the epoch alone),
crashes, commits whose outcome is unknown (written, not written, or written later), connections that break with confirms
missing, requests that arrive after their sender was given up, and nacks. A budget bounds how much happens; within
it nothing is left out. The engine's own words are used: see docs/engine.md and streams/tenure.py.
"""

from collections.abc import Iterator
from typing import TypeVar

from tests.streams.model.batch import EVENTS, LARGEST, handled
from tests.streams.model.reader import heard
from tests.streams.model.rules import Rules
from tests.streams.model.world import Commit, Rows, Stored, Worker, World, replaced

T = TypeVar("T")


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
        yield "reads the state", replaced(world, index, Worker("peeked", rows=store.rows, ids=store.ids))
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
    yield f"takes over under epoch {epoch}", replaced(world, index, taking)


def _load(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker, store = world.workers[index], world.store
    if worker.unconfirmed:
        yield from _resend_refused(world, index)
    elif rules.epoch_first:
        yield "loads", replaced(world, index, worker._replace(phase="running", rows=store.rows, ids=store.ids))
    else:
        yield "runs", replaced(world, index, worker._replace(phase="running"))


def _commit(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker = world.workers[index]
    yield from _resend_refused(world, index)
    confirmed = not worker.unconfirmed
    if confirmed or not rules.confirmed_first:
        for upto in range(worker.position + 1, min(worker.position + LARGEST, len(EVENTS) - 1) + 1):
            batch = handled(worker.position, worker.rows, worker.ids, upto, rules)
            changed = tuple((row, new) for row, new in enumerate(batch.rows) if new != worker.rows[row])
            commit = Commit(worker.epoch, upto, changed, batch.ids - worker.ids, batch.outbox)
            yield f"commits @{upto}", replaced(world, index, worker._replace(phase="committing", request=commit))
    if worker.stored and (confirmed or not rules.clear_when_confirmed):
        commit = Commit(worker.epoch, worker.position, (), frozenset(), ())
        yield "clears the outbox", replaced(world, index, worker._replace(phase="committing", request=commit))


def _resend_refused(world: World, index: int) -> Iterator[tuple[str, World]]:
    worker = world.workers[index]
    if worker.refused and not worker.line:
        again = worker._replace(line=worker.refused, unconfirmed=worker.refused, refused=())
        yield "sends again what was refused", replaced(world, index, again)


def _answered(world: World, index: int, rules: Rules) -> Iterator[tuple[str, World]]:
    worker, commit = world.workers[index], world.workers[index].request
    assert commit is not None
    written = _written(world.store, commit, rules)
    if written is None:
        yield "is fenced", replaced(world, index, Worker())
        return
    yield "has committed", replaced(world._replace(store=written), index, _moved_on(worker, commit))
    if not world.budget.mishaps:
        return
    world = world._replace(budget=world.budget._replace(mishaps=world.budget.mishaps - 1))
    doubtful = Worker() if rules.forget_when_in_doubt else worker._replace(phase="running", request=None)
    yield "does not know that its commit is written", replaced(world._replace(store=written), index, doubtful)
    yield "does not know that its commit is not written", replaced(world, index, doubtful)
    late = world._replace(requests=_sorted(world.requests, commit))
    yield "does not know that its commit will be written", replaced(late, index, doubtful)


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
        yield "crashes", replaced(left, index, Worker())
    if worker.unconfirmed and budget.mishaps:
        left = world._replace(budget=budget._replace(mishaps=budget.mishaps - 1))
        if worker.line:
            left = left._replace(lines=_sorted(left.lines, worker.line))
        again = tuple(sorted(worker.unconfirmed))
        yield "loses its connection", replaced(left, index, worker._replace(unconfirmed=again, line=again, refused=()))
    answered = tuple(sorted({*worker.line, *worker.refused}))
    if answered != tuple(sorted(worker.unconfirmed)):
        yield "hears confirms", replaced(world, index, worker._replace(unconfirmed=answered))
    if worker.line:
        yield from _broker(world, index, worker, rules)


def _broker(world: World, index: int, worker: Worker, rules: Rules) -> Iterator[tuple[str, World]]:
    send, rest = worker.line[0], worker.line[1:]
    kept = world._replace(readers=heard(world.readers, send, rules))
    yield f"the broker keeps {send.seq}", replaced(kept, index, worker._replace(line=rest))
    if world.budget.mishaps:
        left = world._replace(budget=world.budget._replace(mishaps=world.budget.mishaps - 1), nacked=True)
        refused = (*worker.refused, send)
        yield f"the broker refuses {send.seq}", replaced(left, index, worker._replace(line=rest, refused=refused))


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
        yield f"the broker reads {send.seq} late", left._replace(readers=heard(world.readers, send, rules))


def _sorted(some: tuple[T, ...], one: T) -> tuple[T, ...]:
    return tuple(sorted((*some, one), key=repr))


def _without(some: tuple[T, ...], one: T) -> tuple[T, ...]:
    index = some.index(one)
    return some[:index] + some[index + 1 :]
