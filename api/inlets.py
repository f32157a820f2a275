"""Where events of HTTP clients come in: one exchange and routing key, with what is known of its events."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from api.edge import Edge
from api.routing import require_open
from streams import Record

MOST: Final = 1_024
"""Inlets that are remembered: patterns may open any number of keys."""

Reader = Callable[[bytes], Record]


@dataclass(frozen=True, slots=True)
class Inlet:
    """Open to HTTP, and taken by some queue or log."""

    exchange: str
    routing_key: str
    readers: tuple[Reader, ...]
    """Each reads the data as a service does. Raises msgspec.MsgspecError."""
    schema: int | None
    """The newest version that services read; None where none reads it as a record."""


class Inlets:
    """All of an edge, found when they are first asked for: the topology stays as it is."""

    def __init__(self, edge: Edge) -> None:
        @lru_cache(MOST)
        def opened(exchange: str, routing_key: str) -> Inlet:
            require_open(edge.topology, exchange, routing_key)
            records = edge.records.get(routing_key, ())
            return Inlet(
                exchange,
                routing_key,
                tuple(msgspec.json.Decoder(record).decode for record in records),
                max((record.__version_of_schema__ for record in records), default=None),
            )

        self._opened = opened

    def of(self, exchange: str, routing_key: str) -> Inlet:
        """The inlet of an exchange and a key. Raises Problem (422) where there is none."""
        return self._opened(exchange, routing_key)
