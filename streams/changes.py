"""Which rows have changed: told after each commit, best effort, and heard by whoever watches a table.

A notice may be lost on its way, and that never matters: who watches is told to look again at intervals, after a lost
connection, and where more has changed than a notice holds. Notices make looking early, never right.
"""

import asyncio
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import msgspec

from stores.port import Encoded
from streams.broker import Broker, Notice
from streams.errors import StreamsError
from streams.journal import log
from streams.retry import Backoff
from streams.table import Table
from topology.spec import TABLE_CHANGES

AGAIN: Final = 5.0
"""Seconds after which who watches is told to look again, whether anything was heard or not."""
MOST_KEYS: Final = 500
"""Keys of a notice, and of what a watch remembers; more than that is anything."""
MOST_BYTES: Final = 60_000
"""Of a notice's keys."""

Changed = frozenset[str] | None
"""Keys of rows that have changed; None: any may have, so look again."""


class _Body(msgspec.Struct):
    keys: list[str] | None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Body).decode


class Herald:
    """Tells of the rows that a commit has changed, of those tables of a service that are `watched`."""

    def __init__(self, broker: Broker, service: str, tables: Iterable[Table[Any]]) -> None:
        self._broker = broker
        self._names = {table.name: _name(service, table.name) for table in tables if table.watched}

    def tell(self, rows: Mapping[str, Sequence[tuple[str, Encoded | None]]]) -> None:
        """Call it after the commit of these rows. Never waits, never raises."""
        for table, name in self._names.items():
            changed = rows.get(table)
            if changed:
                self._broker.tell(TABLE_CHANGES, name, _packed(changed))


class Watch:
    """What one watcher of a table is told."""

    def __init__(self, key: str | None, again: float) -> None:
        """Of one row, or (None) of all; at least every `again` seconds."""
        self._key = key
        self._again = again
        self._look_again_at = asyncio.get_running_loop().time() + again
        self._changed: set[str] | None = set()
        self._news = asyncio.Event()

    def hear(self, keys: Collection[str] | None) -> None:
        """These rows have changed; None: any may have."""
        if keys is None or self._changed is None or len(self._changed) + len(keys) > MOST_KEYS:
            self._changed = None
        elif self._key is None:
            self._changed.update(keys)
        elif self._key in keys:
            self._changed.add(self._key)
        else:
            return
        self._news.set()

    async def changed(self) -> Changed:
        """What has changed since the last call; waits until something has, or it is time to look again."""
        try:
            async with asyncio.timeout_at(self._look_again_at):
                await self._news.wait()
                changed = self._changed
        except TimeoutError:
            changed = None
        self._changed = set()
        self._news.clear()
        if changed is not None:
            return frozenset(changed)
        self._look_again_at = asyncio.get_running_loop().time() + self._again
        return None


class Changes:
    """One process's ear for changed rows. It listens from the first watch on, until it is closed."""

    def __init__(self, broker: Broker, jitter: random.Random) -> None:
        self._broker = broker
        self._jitter = jitter
        self._watches: dict[str, dict[Watch, None]] = {}
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, service: str, table: str, key: str | None, again: float) -> Iterator[Watch]:
        """Watch a row of a table, or (None) all of them, for as long as the context lasts."""
        watch, name = Watch(key, again), _name(service, table)
        self._watches.setdefault(name, {})[watch] = None
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        try:
            yield watch
        finally:
            del self._watches[name][watch]
            if not self._watches[name]:
                del self._watches[name]

    async def close(self) -> None:
        """Stop listening. Whoever still watches is told to look again at intervals alone."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with self._broker.listen(TABLE_CHANGES, ["#"]) as listener:
                    failures = 0
                    self._look_again()
                    async for notices in listener:
                        self._hear(notices)
            except StreamsError as error:
                failures += 1
                log.info("not listening to table changes", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(Backoff().delay(failures, self._jitter.random()))

    def _look_again(self) -> None:
        """Nobody knows what was told while nobody listened."""
        for watches in self._watches.values():
            for watch in watches:
                watch.hear(None)

    def _hear(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            watches = self._watches.get(notice.key)
            if watches:
                keys = _unpacked(notice.body)
                for watch in watches:
                    watch.hear(keys)


def _name(service: str, table: str) -> str:
    return f"{service}.{table}"


def _packed(changed: Sequence[tuple[str, Encoded | None]]) -> bytes:
    if len(changed) <= MOST_KEYS:
        body = _encode(_Body([key for key, _ in changed]))
        if len(body) <= MOST_BYTES:
            return body
    return _encode(_Body(None))


def _unpacked(body: bytes) -> frozenset[str] | None:
    """None too for what cannot be read: look again."""
    with suppress(msgspec.DecodeError):
        keys = _decode(body).keys
        return None if keys is None else frozenset(keys)
    return None
