"""How a trial is told."""

from collections import Counter
from collections.abc import Sequence

from tests.replay.course import Answer, Strike
from tests.replay.shop import SERVICES, Counts
from tests.replay.wire import Wire


def told(name: str, first: Answer, counts: Counts, wire: Wire, again: Answer, strikes: Sequence[Strike]) -> str:
    """A few lines for people. Speeds are from the first order to the last figure; with strikes, over all there was."""
    data = first.said["data"]
    seconds = first.seconds if strikes else first.said["elapsed"]
    blows = Counter(strike.what for strike in strikes)
    lines = [
        f"{name}: {data['orders']:,} orders, {data['lines']:,} lines, {data['revenue']} in {len(data['days'])} days",
        f"  struck: {', '.join(f'{number} x {what}' for what, number in blows.items()) or 'nothing'}",
        f"  {seconds:,.1f} s, {data['orders'] / seconds:,.0f} orders/s",
        *(_stage(service, seconds, counts) for service in SERVICES),
        f"  on the wire: {', '.join(_event(wire, event) for event in sorted(wire.events))}",
        f"  again: {again.said['elapsed']:,.1f} s",
    ]
    return "\n".join(lines)


def _event(wire: Wire, event: str) -> str:
    return f"{wire.events[event]:,} {event} and {wire.repeats[event]:,} repeats"


def _stage(service: str, seconds: float, counts: Counts) -> str:
    handled, repeats = counts[service, "handled"], counts[service, "repeats"]
    return f"  {service}: {handled:,} events, {handled / seconds:,.0f}/s, {repeats:,} repeats"
