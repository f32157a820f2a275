"""Which numbered sends of other agents have been read: an exact filter of repeats, never larger than one outbox a lane.

Each send carries its lane, its sequence number and the floor of its outbox: every number below the floor was confirmed
before the outbox was written. So what lies below the highest floor known is a repeat, and only numbers from there on
need to be remembered. High-water marks lose events (a send may overtake one that is sent again after a crash), and
contiguous marks grow for ever in readers that see only some of a lane.
"""

import zlib
from array import array
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from streams.windows import milliseconds

SILENCE = milliseconds(timedelta(days=90))
"""Log time after which a lane that has sent nothing is forgotten."""
FOR_GOOD = 1 << 62
"""Beyond every time and every number."""


class _Lane(msgspec.Struct, array_like=True):
    floor: int
    heard: int
    seen: set[int]


class _Packed(msgspec.Struct, array_like=True):
    lane: str
    floor: int
    heard: int
    deltas: bytes


class Lanes:
    """The lanes that one partition of one agent has read from."""

    def __init__(self, packed: bytes = b"") -> None:
        self._lanes: dict[str, _Lane] = {}
        self._before: dict[str, _Lane | None] = {}
        self._last_name, self._last = "", _Lane(0, 0, set())
        """The lane of the last send: the next one is likely from there too."""
        for row in msgspec.msgpack.decode(packed, type=list[_Packed]) if packed else ():
            self._lanes[row.lane] = _Lane(row.floor, row.heard, _unpack(row.deltas))

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def remembered(self) -> int:
        """Sequence numbers held, over all lanes."""
        return sum(len(lane.seen) for lane in self._lanes.values())

    def numbers(self, name: str, floor: int) -> set[int]:
        """The numbers read of a lane, from `floor` on: no less than the lane's own."""
        return {seq for seq in self._lanes[name].seen if seq >= floor} if name in self._lanes else set()

    def floor(self, name: str) -> int:
        """The number below which all of a lane was read; -1 where nothing of it was."""
        return self._lanes[name].floor if name in self._lanes else -1

    def carry(self, name: str, floor: int, numbers: Iterable[int]) -> None:
        """Take over what was read of a lane elsewhere: all below `floor`, and these numbers. It is never forgotten."""
        self._lanes[name] = _Lane(floor, FOR_GOOD, set(numbers))

    @property
    def open(self) -> list[str]:
        """The names of the lanes that are not closed."""
        return [name for name, lane in self._lanes.items() if lane.floor < FOR_GOOD]

    def close(self, name: str) -> None:
        """Whatever comes from this lane counts as read, for good."""
        self.carry(name, FOR_GOOD, ())

    def fresh(self, name: str, seq: int, floor: int, log_time: int) -> bool:
        """Take note of a send; False if it was read before."""
        lane = self._last if name == self._last_name else self._touch(name, floor)
        lane.heard = max(lane.heard, log_time)
        if floor > lane.floor:
            lane.floor = floor
            lane.seen = {s for s in lane.seen if s >= floor}
        if seq < lane.floor or seq in lane.seen:
            return False
        lane.seen.add(seq)
        return True

    def _touch(self, name: str, floor: int) -> _Lane:
        lane = self._lanes.get(name)
        if name not in self._before:
            self._before[name] = None if lane is None else _Lane(lane.floor, lane.heard, set(lane.seen))
        if lane is None:
            lane = self._lanes[name] = _Lane(floor, 0, set())
        self._last_name, self._last = name, lane
        return lane

    def settle(self, log_time: int) -> bytes:
        """End a batch: forget what has been silent for too long, and pack the rest for the checkpoint."""
        for name in [n for n, lane in self._lanes.items() if lane.heard < log_time - SILENCE]:
            del self._lanes[name]
        self._before.clear()
        self._last_name = ""
        if not self._lanes:
            return b""
        rows = [_Packed(n, lane.floor, lane.heard, _pack(lane.seen)) for n, lane in sorted(self._lanes.items())]
        return msgspec.msgpack.encode(rows)

    def rollback(self) -> None:
        """Forget what was noted since the last `settle`."""
        for name, lane in self._before.items():
            if lane is None:
                del self._lanes[name]
            else:
                self._lanes[name] = lane
        self._before.clear()
        self._last_name = ""


def _pack(numbers: set[int]) -> bytes:
    deltas = array("q")
    last = 0
    for number in sorted(numbers):
        deltas.append(number - last)
        last = number
    return zlib.compress(deltas.tobytes(), 1)


def _unpack(packed: bytes) -> set[int]:
    deltas = array("q", zlib.decompress(packed))
    numbers: set[int] = set()
    last = 0
    for delta in deltas:
        last += delta
        numbers.add(last)
    return numbers
