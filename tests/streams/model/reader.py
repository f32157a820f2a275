"""The readers of what the agent sends."""

from tests.streams.model.rules import Rules
from tests.streams.model.world import Reader, Send


def heard(readers: tuple[Reader, Reader], send: Send, rules: Rules) -> tuple[Reader, Reader]:
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
