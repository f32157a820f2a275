"""What a store in memory keeps of one slot beside the rows of its tables."""

from dataclasses import dataclass, field, replace
from itertools import takewhile

from stores.errors import StoreError
from stores.port import Checkpoint, Commit, DueTime, IdRow, Reset, Standing


@dataclass(slots=True)
class MemorySlot:
    """A checkpoint, and what is written with it."""

    checkpoint: Checkpoint
    ids: dict[int, IdRow] = field(default_factory=dict)
    due: dict[str, DueTime] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)

    def commit(self, commit: Commit) -> None:
        """Take over what a commit says, without its rows."""
        checkpoint = self.checkpoint
        checkpoint.position, checkpoint.anchor, checkpoint.seen = commit.position, commit.anchor, commit.seen
        checkpoint.watermark, checkpoint.outbox = commit.watermark, commit.outbox
        # They stand in the order of their positions, and few commits have any to forget.
        for position in list(takewhile(lambda position: position <= commit.forget_ids_to, self.ids)):
            del self.ids[position]
        if commit.ids is not None:
            self.ids[commit.ids.position] = commit.ids
        for key, due in commit.due.items():
            if due is None:
                self.due.pop(key, None)
            else:
                self.due[key] = due
        self.dead = (self.dead | set(commit.dead)) - set(commit.revived)
        if commit.birth is not None:
            checkpoint.birth, checkpoint.quiet = commit.birth, -1

    def reset(self, reset: Reset) -> None:
        """Forget all but who owns it."""
        old = self.checkpoint
        self.checkpoint = Checkpoint(
            old.slot,
            old.epoch,
            reset.birth or old.birth,
            position=reset.position,
            anchor=reset.anchor,
            quiet=reset.quiet,
        )
        self.ids, self.due, self.dead = {}, {}, set()

    def take_from(self, shadow: "MemorySlot") -> None:
        """Become what the shadow is. Raises StoreError where it is elsewhere in the log."""
        if shadow.checkpoint.position != self.checkpoint.position:
            raise StoreError(f"{shadow.checkpoint.slot} is not where {self.checkpoint.slot} is: let it come to there")
        seen, watermark = shadow.checkpoint.seen, shadow.checkpoint.watermark
        self.checkpoint = replace(self.checkpoint, seen=seen, watermark=watermark)
        self.ids, self.due, self.dead = shadow.ids, shadow.due, shadow.dead

    def standing(self) -> Standing:
        """How far it has come."""
        checkpoint = self.checkpoint
        return Standing(checkpoint.slot, checkpoint.position, checkpoint.quiet, len(self.due), len(self.dead))
