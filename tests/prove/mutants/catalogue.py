"""The mutants: what the engine promises, broken on purpose, each with the part of the suite that must notice.

A mutant is a textual patch. Where the source has changed so that it no longer applies exactly once, `make test` says
so: find the rule's new place, and do not drop the mutant.
"""

from dataclasses import dataclass

SIMULATION = ("-m", "streams.testing", "--seeds", "200", "--processes", "1", "--stop")


def tests(*names: str) -> tuple[str, ...]:
    """The command that runs these tests."""
    return ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *names)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule broken."""

    name: str
    """What the broken engine does."""
    path: str
    old: str
    new: str
    noticed_by: tuple[str, ...] = SIMULATION
    """Arguments of the interpreter: a part of the suite that fails."""


FRESH = "        if seq < lane.floor or seq in lane.seen:\n"
ROLLBACK = '        """Forget what the batch did."""\n        self.touched = {}\n'
FORWARDED = """        if batch.messages:
            await deliver(self._around.broker, batch.messages, self._trouble, self._around.jitter)
        await self._committed()
        self._commit = asyncio.create_task(self._carry_out(batch))
"""
FORWARDED_AFTER = """        await self._committed()
        self._commit = asyncio.create_task(self._carry_out(batch))
        await asyncio.shield(self._commit)
        if batch.messages:
            await deliver(self._around.broker, batch.messages, self._trouble, self._around.jitter)
"""
SETTLED = """        if sends:
            await self._dispatch.deliver(sends)
            self.status.sent += len(sends)
        for hand in hands:
            hand.settling.ack(hand.delivery.envelope.offset)
"""
ACKED_FIRST = """        for hand in hands:
            hand.settling.ack(hand.delivery.envelope.offset)
        if sends:
            await self._dispatch.deliver(sends)
            self.status.sent += len(sends)
"""
COMMIT = "        await self._commit(settled)\n"
SUPPRESSED = """        from contextlib import suppress
        from stores.errors import {0}
        with suppress({0}):
            await self._commit(settled)
"""

MUTANTS = (
    Mutant(
        "no fence: any epoch commits (memory)",
        "stores/memory.py",
        "if kept is None or kept.checkpoint.epoch != epoch:",
        "if kept is None:",
    ),
    Mutant(
        "no fence: any epoch commits (SQLite)",
        "stores/sqlite_commit.py",
        "WHERE agent = ? AND partition = ? AND epoch = ?",
        "WHERE agent = ? AND partition = ? AND epoch >= ?",
        tests("tests/stores/contract", "-k", "sqlite"),
    ),
    Mutant(
        "no fence: any epoch commits (PostgreSQL)",
        "stores/postgres_commit_statement.py",
        "WHERE {slot} AND epoch = $3",
        "WHERE {slot} AND epoch >= $3",
        tests("tests/stores/contract", "-k", "postgres"),
    ),
    Mutant(
        "who is fenced goes on",
        "streams/flush.py",
        COMMIT,
        SUPPRESSED.format("Fenced"),
    ),
    Mutant(
        "an unknown commit is taken for done",
        "streams/flush.py",
        COMMIT,
        SUPPRESSED.format("CommitUnknown"),
    ),
    Mutant(
        "the outbox is not published again",
        "streams/tenure.py",
        "        await self._flush.publish(unpack(self._checkpoint.outbox))\n",
        "        unpack(self._checkpoint.outbox)\n",
    ),
    Mutant(
        "the next commit does not wait for the outbox's confirms",
        "streams/flush.py",
        "        await self.publish(settled.messages)\n",
        "        _ = asyncio.create_task(self.publish(settled.messages))\n",
    ),
    Mutant(
        "the outbox is not in the commit",
        "streams/batch.py",
        "        commit.outbox = pack(messages)\n",
        '        commit.outbox = pack(messages)[:0] or b""\n',
    ),
    Mutant(
        "the outbox is never cleared",
        "streams/tenure.py",
        "quiet = not self._flush.under_way and (self._flush.outbox_stored or self._batch.has_moved)",
        "quiet = not self._flush.under_way and self._batch.has_moved",
        tests("tests/streams/engine/test_crashes.py"),
    ),
    Mutant(
        "the state is read before the epoch is raised",
        "stores/memory.py",
        "        checkpoint.epoch = Epoch(checkpoint.epoch + 1)\n        return replace(checkpoint)\n",
        "        read = replace(checkpoint)\n"
        "        await __import__('asyncio').sleep(5)\n"
        "        checkpoint.epoch = Epoch(checkpoint.epoch + 1)\n"
        "        return replace(read, epoch=checkpoint.epoch)\n",
    ),
    Mutant(
        "what is in memory is used whoever has had the slot since",
        "streams/log_agent.py",
        "        return (checkpoint.epoch, checkpoint.position) == (self.epoch + 1, self.position)\n",
        "        return bool(checkpoint) or True\n",
    ),
    Mutant(
        "the working copy is not dropped",
        "streams/working.py",
        ROLLBACK,
        '        """Forget what the batch did."""\n',
        tests("tests/streams/test_working.py", "tests/streams/engine/test_poison.py"),
    ),
    Mutant(
        "what the gate noted is not rolled back",
        "streams/batch.py",
        "        self._partition.rollback()\n        self._gate.rollback()\n",
        "        self._partition.rollback()\n",
    ),
    Mutant(
        "readers ignore the floor",
        "streams/lanes.py",
        FRESH,
        "        if seq in lane.seen:\n",
        tests("tests/streams/test_lanes.py"),
    ),
    Mutant(
        "readers keep a high-water mark only",
        "streams/lanes.py",
        FRESH,
        "        if lane.seen and seq <= max(lane.seen):\n",
        tests("tests/streams/test_lanes.py"),
    ),
    Mutant(
        "the floor is the highest number of the outbox",
        "streams/outbox.py",
        "floor = self._sends[0][0] if self._sends else 0",
        "floor = self._sends[-1][0] if self._sends else 0",
        tests("tests/streams/test_outbox.py"),
    ),
    Mutant(
        "the lanes seen are not in the commit",
        "streams/batch.py",
        "commit.seen, commit.ids, commit.forget_ids_to = self._gate",
        "_, commit.ids, commit.forget_ids_to = self._gate",
    ),
    Mutant(
        "messages without a lane are not de-duplicated",
        "streams/gate.py",
        "fresh = ids_fresh is None or not envelope.id or ids_fresh(envelope.id)",
        "fresh = True",
        tests("tests/streams/engine/test_repeats.py"),
    ),
    Mutant(
        "the ids seen are not in the commit",
        "streams/batch.py",
        "commit.seen, commit.ids, commit.forget_ids_to = self._gate",
        "commit.seen, _, commit.forget_ids_to = self._gate",
        tests("tests/streams/engine/test_repeats.py"),
    ),
    Mutant(
        "the anchor is not checked",
        "streams/intake.py",
        "if reader.fingerprint(chunk, self.offset) != self.fingerprint:",
        "if not reader.fingerprint(chunk, self.offset):",
        tests("tests/streams/engine/test_anchor.py"),
    ),
    Mutant(
        "after a break what comes after the first lost message is sent again, not that message",
        "streams/delivery.py",
        "return [*refused, *messages[first_lost:]]",
        "return [*refused, *messages[first_lost + 1 :]]",
        tests("tests/streams/test_outbox.py"),
    ),
    Mutant(
        "sends get another id at each attempt",
        "streams/addressing.py",
        "draft.id or derived_text(cause.id, ",
        "draft.id or derived_text(__import__('uuid').uuid4().hex, ",
    ),
    Mutant(
        "a queue agent acknowledges before its sends are confirmed",
        "streams/queue_agent.py",
        SETTLED,
        ACKED_FIRST,
    ),
    Mutant(
        "the forwarder commits before it publishes",
        "streams/forwarder.py",
        FORWARDED,
        FORWARDED_AFTER,
    ),
    Mutant(
        "a due time acts whatever the store's row says",
        "streams/admission.py",
        "if current != cause or log_time < envelope.time - EARLY:",
        "if log_time < envelope.time - EARLY:",
        tests("tests/streams/engine/test_due_times.py"),
    ),
    Mutant(
        "a due time's row stays when it was handled",
        "streams/admission.py",
        "        self._due[key] = None\n        return True\n",
        "        return True\n",
        tests("tests/streams/engine/test_due_times.py"),
    ),
    Mutant(
        "a replayed letter is an event like any other, to all agents of its log",
        "agents/deadletters/desk.py",
        "headers={**carried_headers(letter.headers), **only},",
        "headers=carried_headers(letter.headers) if only else {},",
        tests("tests/agents/test_deadletters.py"),
    ),
    Mutant(
        "a replayed letter counts although its offset is not, or no longer, that of a dead one",
        "streams/admission.py",
        "if offset is None or offset not in self._dead or offset in self._revived:",
        "if offset is None:",
        tests("tests/streams/engine/test_replays.py"),
    ),
    Mutant(
        "with a new number of partitions, what was counted beyond the forwarder's position is forgotten",
        "streams/move.py",
        "lanes.carry(self.lane, floor, numbers)",
        "lanes.carry(self.lane, floor, ())",
        tests("tests/streams/engine/test_repartitions.py"),
    ),
    Mutant(
        "an agent whose rows were moved goes on in the edition before",
        "streams/log_agent.py",
        "        check_edition(self._source, lanes)\n",
        "",
        tests("tests/streams/engine/test_repartitions_at_work.py"),
    ),
    Mutant(
        "an event dies of a row that its table's type cannot read",
        "streams/batch.py",
        "            except (StoreError, BrokerError, NotReadable):\n",
        "            except (StoreError, BrokerError):\n",
        tests("tests/streams/engine/test_poison.py"),
    ),
    Mutant(
        "a letter is as large as its event, though the broker takes no such message",
        "streams/letters.py",
        'body=envelope.body if size <= largest else b"",',
        "body=envelope.body,",
        tests("tests/streams/engine/test_large_events.py"),
    ),
    Mutant(
        "a heartbeat from before the database's clock was set back counts",
        "stores/postgres_slots.py",
        "w.expires > clock_timestamp() AND w.expires < clock_timestamp() + make_interval(secs => {FURTHEST:d})",
        "w.expires > clock_timestamp()",
        tests("tests/stores/contract/test_ownership.py", "-k", "postgres"),
    ),
    Mutant(
        "a worker with the topology before keeps its slots, which nobody can work on",
        "streams/ownership.py",
        "            while not stop.is_set() and not self._outdated:\n",
        "            while not stop.is_set():\n",
        tests("tests/streams/engine/test_repartitions_at_work.py"),
    ),
    Mutant(
        "a rebuild has the slot from the beginning to the end",
        "streams/rebuild.py",
        "                    await self._approach(shadowing, rehearsal)\n",
        "",
        tests("tests/streams/engine/test_rebuilds_at_work.py"),
    ),
    Mutant(
        "what is refused of what handlers sent together is not sent again",
        "streams/dispatch.py",
        "        if rest:\n",
        "        if not rest:\n",
        tests("tests/streams/engine/test_queue_agents.py"),
    ),
    Mutant(
        "in one partition again, what was counted beyond the forwarder's end counts twice",
        "streams/reunited_gate.py",
        "        if not self._counted:\n",
        "        if self._counted is not None:\n",
        tests("tests/streams/engine/test_repartitions.py"),
    ),
    Mutant(
        "in one partition again, nobody knows the ids that the forwarder had read",
        "streams/move.py",
        "        if self.log.partitions == 1:\n            await",
        "        if self.log.partitions < 1:\n            await",
        tests("tests/streams/engine/test_repartitions.py"),
    ),
    Mutant(
        "a slot that a tool has seized keeps its epoch",
        "stores/memory.py",
        "checkpoint.epoch = Epoch(checkpoint.epoch + 1)",
        "checkpoint.epoch = Epoch(checkpoint.epoch + (not seize))",
        tests("tests/streams/engine/test_rebuilds_at_work.py"),
    ),
    Mutant(
        "a slot that a tool has seized keeps its epoch in PostgreSQL",
        "stores/postgres_slots.py",
        "SET epoch = s.epoch + 1, owner",
        "SET epoch = s.epoch + CASE WHEN $4 THEN 0 ELSE 1 END, owner",
        tests("tests/stores/contract/test_ownership.py", "-k", "postgres"),
    ),
    Mutant(
        "a tool takes a slot out of the hands of another tool",
        "streams/custody.py",
        "seize = seize and not await _in_other_hands(slot, store, tool)",
        "seize = seize or await _in_other_hands(slot, store, tool)",
        tests("tests/streams/engine/test_repartitions_at_work.py"),
    ),
    Mutant(
        "a worker keeps a slot that a tool took and gave back while it was not looking",
        "streams/ownership.py",
        "lost = self._free.get(slot) == epoch",
        "lost = False",
        tests("tests/streams/engine/test_repartitions_at_work.py"),
    ),
    Mutant(
        "a row that somebody else changed keeps what the store wrote into its columns",
        "stores/postgres_fields.py",
        "{others} {turned('OLD', number)})",
        "{others} {number} AND NEW.{FILLED} IS DISTINCT FROM -{number})",
        tests("tests/stores/test_postgres_fields.py"),
    ),
    Mutant(
        "the store fills columns otherwise than queries ask",
        "stores/postgres_layout.py",
        "return [[row[place] for row in rows] for place in range(len(self.fields))]",
        "return [[row[-1 - place] for row in rows] for place in range(len(self.fields))]",
        tests("tests/stores/contract/test_queries.py", "tests/stores/test_postgres_fields.py", "-k", "postgres"),
    ),
)
