"""A tool that gives a log another number of partitions breaks off at each of its steps, and is run again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from stores.errors import CommitUnknown, StoreError, StoreUnavailable
from stores.port import Store
from tests.streams.engine.moving import USERS, Shop
from tests.streams.engine.stage import Stage, on_stage


class Breaking:
    """A store that breaks off at a step: before the call that changes something, or after it."""

    def __init__(self, store: Store, step: int, *, after: bool) -> None:
        self._store = store
        self._left = step
        self._after = after
        self.broke = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return partial(self._call, method) if name in CHANGING else method

    async def _call(self, method: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        self._left -= 1
        breaks = self._left == -1
        self.broke = self.broke or breaks
        if breaks and not self._after:
            raise StoreUnavailable()
        result = await method(*args, **options)
        if breaks:
            raise CommitUnknown()
        return result


CHANGING = ("acquire", "commit", "commit_together", "reset")


Between = tuple[int, int] | None


async def broken_off(stage: Stage, step: int, *, after: bool, before: int, then: int, between: Between) -> bool:
    """Break off at a step, let a worker run with these partitions and edition, and run it again; False past the last
    step."""
    shop = Shop(stage)
    shop.say(before, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(then, 2)
    store = Breaking(stage.store, step, after=after)
    with suppress(StoreError):
        await shop.repartition(store)
    await asyncio.sleep(60)  # its lease runs out
    if between is not None and store.broke:
        shop.say(*between)
        await shop.idle()
    shop.say(then, 2)
    await shop.repartition()
    await shop.send(*USERS)
    await shop.work()
    assert await shop.told() == {user: [1, 2] for user in USERS}
    return store.broke


@on_stage
@pytest.mark.parametrize(
    ("before", "then", "between"),
    [(2, 3, None), (2, 3, (2, 1)), (2, 3, (3, 2)), (1, 3, (1, 1)), (2, 1, None), (2, 1, (2, 1)), (2, 1, (1, 2))],
)
@pytest.mark.parametrize("after", [False, True])
async def test_a_tool_that_breaks_off_anywhere_is_run_again(
    stage: Stage, before: int, then: int, after: bool, between: Between
) -> None:
    step = 0
    while await broken_off(one := Stage(), step, after=after, before=before, then=then, between=between):
        await one.server.close()
        step += 1
    await one.server.close()
    assert step >= 8
