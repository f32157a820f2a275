"""What a watcher of a table is told, message by message."""

from typing import Any, Final, Protocol

import orjson

from api.hiding import shown
from streams import View
from streams.changes import AGAIN, Changed
from streams.codec import encode

SELDOM: Final = 30.0
"""Seconds after which who watches all rows is told to look again, where nothing else was told."""

Message = dict[str, object]


class Told(Protocol):
    """What one watcher knows."""

    @property
    def again(self) -> float:
        """Seconds after which to look again."""

    async def message(self, changed: Changed) -> Message | None:
        """What to tell of these changes; None: nothing."""


class Rows:
    """A watcher of all rows: `rows` are those that have changed, with null for those that are gone; `rows: null` says
    that any may have, so that the table is to be read again."""

    again = SELDOM

    def __init__(self, view: View[Any]) -> None:
        self._view = view
        self._number = 0

    async def message(self, changed: Changed) -> Message | None:
        """See Told."""
        self._number += 1
        if changed is None:
            return {"number": self._number, "rows": None}
        keys = sorted(changed)
        found = await self._view.get_many([*keys])
        return {"number": self._number, "rows": [{"key": key, "value": _shown(found.get(key))} for key in keys]}


class Row:
    """A watcher of one row: it as it is, whenever that is something else than what was told before."""

    again = AGAIN

    def __init__(self, view: View[Any], key: str) -> None:
        self._view = view
        self._key = key
        self._number = 0
        self._known: bytes | None = None

    async def message(self, changed: Changed) -> Message | None:
        """See Told."""
        value = await self._view.get(self._key)
        encoded = encode(value)
        if self._number and encoded == self._known:
            return None
        self._number, self._known = self._number + 1, encoded
        return {"number": self._number, "rows": [{"key": self._key, "value": _shown(value)}]}


def _shown(value: Any) -> orjson.Fragment | None:
    return None if value is None else shown(encode(value))
