"""The working copy: one partition of a table as the batch at hand sees it.

Rows are kept encoded. A batch decodes what it touches and encodes what it touched at its end, so a rollback is
forgetting, a change in place counts like an assignment, and a row that was changed a hundred times is written once.

What is written is decoded at once, to see that it can be; the value that comes of it is what the row's next reader has.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from stores.port import Encoded
from streams.at_hand import AtHand
from streams.codec import Decode, encode
from streams.errors import NotReadable, WrongValue
from streams.keys import Key, encode_key, row_key
from streams.own_keys import OwnKeys
from streams.ready import NOT_READY, Ready
from streams.scope import Scope

Change = tuple[str, Encoded | None]


class _Mark:
    pass


DELETED: Final = _Mark()
UNTOUCHED: Final = _Mark()


class Working:
    """Decoded values over encoded rows. Not resident: `rows` hold what is at hand; a scope says what may be read."""

    __slots__ = (
        "_absent",
        "_at_hand",
        "_decode",
        "_default",
        "_own",
        "_ready",
        "resident",
        "rows",
        "scope",
        "table",
        "touched",
    )

    def __init__(
        self,
        table: str,
        decode: Decode,
        default: Callable[[], Any] | None,
        *,
        resident: bool,
        own: OwnKeys | None = None,
    ) -> None:
        """`own` says which keys lie in this partition, where there are several."""
        self.table = table
        self.resident = resident
        self._at_hand = None if resident else AtHand()
        self.rows: dict[str, Encoded] = {} if self._at_hand is None else self._at_hand
        self.touched: dict[str, Any] = {}
        self.scope: Scope | None = None
        self._absent: set[str] = set()
        self._ready = Ready()
        self._decode = decode
        self._default = default
        self._own = own

    def __getitem__(self, key: Key) -> Any:
        text = key if type(key) is str else encode_key(key)
        if self.scope is not None:
            self.scope.check(text)
        value = self.touched.get(text, UNTOUCHED)
        if value is UNTOUCHED:
            value = self._read(text)
        return self._missing(text) if value is DELETED else value

    def _read(self, text: str) -> Any:
        if self._own is not None:
            self._own.check(text)
        raw = self.rows.get(text)
        if raw is not None:
            value = self._ready.take(text)
            if value is NOT_READY:
                value = self._decoded(text, raw)
            self.touched[text] = value
            return value
        return DELETED

    def _decoded(self, text: str, raw: Encoded) -> Any:
        try:
            return self._decode(raw)
        except msgspec.MsgspecError as error:
            raise NotReadable(
                f"row {text!r} of table {self.table!r} cannot be read: {error}. Where the type has changed, let new "
                "fields have defaults; where the row was written by hand, mend it"
            ) from error

    def _missing(self, text: str) -> Any:
        if self._default is None:
            raise KeyError(text)
        value = self.touched[row_key(text)] = self._default()
        return value

    def __setitem__(self, key: Key, value: object) -> None:
        text = key if type(key) is str else encode_key(key)
        if text not in self.touched:
            row_key(text)
            if self._own is not None:
                self._own.check(text)
        if self.scope is not None:
            self.scope.admit((text,))
        self.touched[text] = value

    def __delitem__(self, key: Key) -> None:
        if key not in self:
            raise KeyError(key)
        self.touched[encode_key(key)] = DELETED

    def __contains__(self, key: Key) -> bool:
        text = key if type(key) is str else encode_key(key)
        if self.scope is not None:
            self.scope.check(text)
        value = self.touched.get(text, UNTOUCHED)
        return (self._read(text) if value is UNTOUCHED else value) is not DELETED

    def peek(self, key: Key) -> Any:
        """The value, or None where there is none; makes no row."""
        text = key if type(key) is str else encode_key(key)
        if text not in self:
            return None
        return self[text]

    def unloaded(self, keys: Iterable[str]) -> list[str]:
        """Which of these keys a table that is not resident has still to load."""
        return [k for k in dict.fromkeys(keys) if k not in self.rows and k not in self._absent]

    def load(self, asked: Iterable[str], found: dict[str, Encoded]) -> None:
        """Take the answer of a query for keys."""
        if self._at_hand is None:
            self.rows.update(found)
        else:
            self._at_hand.load(found)
        self._absent.update(k for k in asked if k not in found)

    def changes(self) -> list[Change]:
        """What differs from the rows, encoded; each key once. Raises WrongValue, and what encoding raises."""
        changes: list[Change] = []
        rows = self.rows
        self._ready.forget()
        for text, value in self.touched.items():
            if value is DELETED:
                if text in rows or self._may_be_stored(text):
                    changes.append((text, None))
                continue
            raw = encode(value)
            if rows.get(text) != raw:
                self._ready.offer(text, self._check(text, raw), len(raw))
                changes.append((text, raw))
        return changes

    def _check(self, text: str, raw: Encoded) -> Any:
        """What the row's next reader will have. Raises WrongValue where it cannot be read again.

        What is not of the table's type (None, an infinite float, a number below what its type allows) would be written
        all the same, and hold up the agent for good when it is next read.
        """
        try:
            return self._decode(raw)
        except msgspec.MsgspecError as error:
            raise WrongValue(
                f"row {text!r} of table {self.table!r} could not be read again: {error}. Give it a value of the "
                "table's type; `del` removes a row"
            ) from error

    def _may_be_stored(self, text: str) -> bool:
        """Whether the store may have a row that was never loaded."""
        return not self.resident and text not in self._absent

    def settle(self, changes: list[Change]) -> None:
        """End a batch whose changes are on their way to the store: later batches see them, loaded or not."""
        self.touched = {}
        deleted = [text for text, raw in changes if raw is None]
        self._ready.settle(deleted)
        if self._at_hand is not None:
            self._at_hand.settle(changes)
            self._absent = set(deleted)
            return
        self.rows.update(changes)  # type: ignore[arg-type]  # what is deleted goes below
        for text in deleted:
            del self.rows[text]

    def rollback(self) -> None:
        """Forget what the batch did."""
        self.touched = {}
        self._ready.forget()
