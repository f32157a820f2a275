"""The header `Prefer: wait=N` (RFC 7240): a client that would rather wait for an outcome than ask for it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header

from api.problems import Problem
from stores.errors import StoreError

T = TypeVar("T")

LONGEST: Final = 30
"""Seconds; who asks for more gets that."""
FIRST_LOOK: Final = 0.02
LAST_LOOK: Final = 0.25
"""Seconds between looks, doubled from the first to the last."""

_WAIT = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=$|[,;])', re.IGNORECASE)


async def _wait(
    prefer: Annotated[str | None, Header(description="`wait=5`: answer once it is done, within 5 seconds.")] = None,
) -> int:
    return wait_of(prefer or "")


PreferredWait = Annotated[int, Depends(_wait)]
"""Seconds that the client would wait; 0 where it would not."""


def wait_of(prefer: str) -> int:
    """The seconds that a header asks for; what it says else does not count."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), LONGEST) if found else 0


async def appears(look: Callable[[], Awaitable[T | None]], within: float) -> T | None:
    """What `look` finds, or None where that takes longer than `within` seconds. What cannot be read is not there."""
    delay = FIRST_LOOK
    try:
        async with asyncio.timeout(within):
            while True:
                found = await _found(look)
                if found is not None:
                    return found
                await asyncio.sleep(delay)
                delay = min(2 * delay, LAST_LOOK)
    except TimeoutError:
        return None


async def _found(look: Callable[[], Awaitable[T | None]]) -> T | None:
    try:
        return await look()
    except (StoreError, Problem):
        return None
