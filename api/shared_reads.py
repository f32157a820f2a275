"""Reads under way: who wants what somebody is reading waits for that, so that many at once cost one read."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

E = TypeVar("E")


@dataclass(frozen=True, slots=True, eq=False)
class _Read(Generic[E]):
    began: int
    task: "asyncio.Task[Mapping[str, E]]"


class SharedReads(Generic[E]):
    """Of entries, by name. A read goes on when whoever began it has gone; its failure is everybody's who waits."""

    def __init__(self, counts: Callable[[str, int], bool], now: Callable[[], int]) -> None:
        """`counts` says whether what was begun to be read at a moment (ms, as `now` gives them) still counts."""
        self._counts = counts
        self._now = now
        self._under_way: dict[str, _Read[E]] = {}

    def under_way(self, names: Collection[str]) -> list[str]:
        """Those of the names that are being read now, by a read that still counts."""
        return [name for name in names if name in self._under_way and self._counts(name, self._under_way[name].began)]

    async def of(
        self, names: Collection[str], read: Callable[[list[str], int], Awaitable[Mapping[str, E]]]
    ) -> dict[str, E]:
        """The entries of all names. `read` reads those that nobody is reading; it is told when it began."""
        waited = {name: self._under_way[name] for name in self.under_way(names)}
        missing = [name for name in names if name not in waited]
        if missing:
            waited.update(dict.fromkeys(missing, self._begin(missing, read)))
        for one in {*waited.values()}:
            await asyncio.shield(one.task)
        return {name: one.task.result()[name] for name, one in waited.items()}

    def _begin(self, names: list[str], read: Callable[[list[str], int], Awaitable[Mapping[str, E]]]) -> _Read[E]:
        began = self._now()

        async def reading() -> Mapping[str, E]:
            return await read(names, began)

        one: _Read[E] = _Read(began, asyncio.create_task(reading()))
        self._under_way.update(dict.fromkeys(names, one))

        def ended(task: "asyncio.Task[Mapping[str, E]]") -> None:
            for name in names:
                if self._under_way.get(name) is one:
                    del self._under_way[name]
            if not task.cancelled():
                task.exception()  # all who waited may have gone

        one.task.add_done_callback(ended)
        return one
