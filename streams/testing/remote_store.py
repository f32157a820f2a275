"""A store as a simulated process has it: over a network that fails."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from stores.errors import CommitUnknown, StoreError, StoreUnavailable
from stores.port import Capabilities, Commit, Store
from streams.testing.weather import Passing
from streams.testing.wire import Wire

Method = Callable[..., Coroutine[Any, Any, Any]]

UNCERTAIN = frozenset({"commit", "commit_together", "acquire", "apply", "write"})
"""Methods that raise CommitUnknown where the answer is missing (see `stores.port`)."""
QUIET = frozenset({"heartbeat", "roster", "fetch", "scan", "ids", "read", "get", "query", "due", "causes", "dead"})
"""Methods that the trace does not tell of when they go well."""


class RemoteStore:
    """A Store. Whatever the port has, it passes on over the wire."""

    def __init__(self, store: Store, wire: Wire) -> None:
        self._store = store
        self._wire = wire

    @property
    def capabilities(self) -> Capabilities:
        return self._store.capabilities

    def __getattr__(self, name: str) -> Method:
        return partial(self._call, name, getattr(self._store, name))

    async def _call(
        self, name: str, method: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **options: Any
    ) -> Any:
        trip = self._wire.weather.store()
        try:
            result = await self._wire.call(lambda: method(*args, **options), trip, partial(_broken, name))
        except StoreError as error:
            self._wire.note(_described(name, args), "→", type(error).__name__, f"({trip.passing.value})")
            raise
        if name not in QUIET:
            self._wire.note(_described(name, args))
        return result


def _described(name: str, args: tuple[object, ...]) -> str:
    if args and isinstance(args[0], Commit):
        commit = args[0]
        rows = sum(len(rows) for rows in commit.rows.values())
        return f"commit {commit.slot} @{commit.position} epoch={commit.epoch} rows={rows} outbox={len(commit.outbox)}"
    return " ".join([name, *map(str, args[:1])])


def _broken(name: str, passing: Passing) -> StoreError:
    if passing is Passing.TURNED_AWAY or name not in UNCERTAIN:
        return StoreUnavailable()
    return CommitUnknown()
