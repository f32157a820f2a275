"""What must hold in every state."""

from tests.streams.model.batch import CORRECT, EVENTS, LARGEST
from tests.streams.model.world import World


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
