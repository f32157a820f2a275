"""Message ids seen lately: repeats of messages without a lane are known by them."""

from binascii import Error, unhexlify
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b

from stores.port import IdRow

MOST_IDS = 500_000
"""Message ids remembered in one partition."""
WIDTH = 16
"""Bytes kept of an id: all of a UUID, a hash of anything else."""


def digest(message_id: str) -> bytes:
    """16 bytes that stand for a message id."""
    if len(message_id) == 36:
        try:
            packed = unhexlify(message_id.replace("-", ""))
        except (Error, ValueError):
            packed = b""
        if len(packed) == WIDTH:
            return packed
    return blake2b(message_id.encode(), digest_size=WIDTH).digest()


class PackedIds:
    """A set of ids of 16 bytes each that takes 20 bytes or so an id, where a set of bytes takes 100 and more."""

    BUCKETS = 1 << 14

    def __init__(self) -> None:
        self._buckets = [b""] * self.BUCKETS
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, id: bytes) -> bool:
        """False if it is there already."""
        # Python's hash is keyed: nobody can choose ids that all lie in one bucket.
        place = hash(id) & (self.BUCKETS - 1)
        bucket = self._buckets[place]
        if bucket and _find(bucket, id) >= 0:
            return False
        self._buckets[place] = bucket + id
        self._count += 1
        return True

    def remove(self, ids: Iterable[bytes]) -> None:
        """Forget ids that are there."""
        for id in ids:
            place = hash(id) & (self.BUCKETS - 1)
            bucket = self._buckets[place]
            at = _find(bucket, id)
            self._buckets[place] = bucket[:at] + bucket[at + WIDTH :]
            self._count -= 1


def _find(bucket: bytes, id: bytes) -> int:
    at = bucket.find(id)
    while at % WIDTH and at >= 0:  # the end of one id and the beginning of the next
        at = bucket.find(id, at + 1)
    return at


class RecentIds:
    """The ids of one partition, by batch; the oldest go when they are too old (in log time) or too many."""

    def __init__(self, *, keep: int, at_most: int, rows: Iterable[IdRow] = ()) -> None:
        """`keep` in milliseconds of log time; `at_most` ids."""
        self._keep = keep
        self._at_most = at_most
        self._rows: deque[IdRow] = deque()
        self._known = PackedIds()
        self._new: list[bytes] = []
        for row in rows:
            self._rows.append(row)
            for id in _split(row.ids):
                self._known.add(id)

    def __len__(self) -> int:
        return len(self._known)

    def fresh(self, message_id: str) -> bool:
        """Take note of an id; False if it is known."""
        key = digest(message_id)
        if not self._known.add(key):
            return False
        self._new.append(key)
        return True

    def settle(self, position: int, log_time: int) -> tuple[IdRow | None, int]:
        """End a batch: its row to be stored, and the position up to which stored rows are forgotten (-1: none)."""
        row = IdRow(position, log_time, b"".join(self._new)) if self._new else None
        if row is not None:
            self._rows.append(row)
        self._new = []
        return row, self._trim(log_time)

    def _trim(self, log_time: int) -> int:
        forgotten = -1
        while self._rows and (self._rows[0].log_time < log_time - self._keep or len(self._known) > self._at_most):
            row = self._rows.popleft()
            self._known.remove(_split(row.ids))
            forgotten = row.position
        return forgotten

    def rollback(self) -> None:
        """Forget what was noted since the last `settle`."""
        self._known.remove(self._new)
        self._new = []


def packed_anew(rows: Iterable[IdRow], at_once: int = 10_000) -> Iterator[IdRow]:
    """The same ids in fewer rows, of about so many each. They are kept as long as the last of their row."""
    gathered: list[bytes] = []
    count = 0
    last = None
    for last in rows:
        gathered.append(last.ids)
        count += len(last.ids) // WIDTH
        if count >= at_once:
            yield replace(last, ids=b"".join(gathered))
            gathered, count = [], 0
    if last is not None and gathered:
        yield replace(last, ids=b"".join(gathered))


def _split(ids: bytes) -> Iterable[bytes]:
    return (ids[i : i + WIDTH] for i in range(0, len(ids), WIDTH))
