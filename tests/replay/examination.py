"""All that is looked at after a replay: the tables, and what went over the wire."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from streams.broker import Broker
from tests.replay.contents import Contents, Rows, contents
from tests.replay.oracle import truth
from tests.replay.wire import Wire, expected, wire


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shop keeps its tables and its logs."""

    rows: Rows
    broker: Callable[[], AbstractAsyncContextManager[Broker]]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is."""

    contents: Contents
    wire: Wire


async def examined(place: Place, orders: int) -> Found:
    """What there is after a replay of the first so many orders. Raises AssertionError, naming what is wrong."""
    async with place.broker() as broker:
        found = Found(await contents(place.rows), await wire(broker))
    wrong = _wrong(found.contents, Contents.expected(truth(orders)))
    assert not wrong, "\n".join(wrong)
    assert found.wire.events == expected(truth(orders))
    assert found.wire.left_over == 0, "there are dead letters, or messages that nobody wanted"
    return found


def _wrong(found: Contents, wanted: Contents) -> list[str]:
    names = [name for name in Contents.__slots__ if name != "digest" and getattr(found, name) != getattr(wanted, name)]
    return [f"{name}: {getattr(found, name)} instead of {getattr(wanted, name)}" for name in names]
