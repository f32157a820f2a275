"""The rules of the checkpoint protocol."""

from typing import NamedTuple


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
