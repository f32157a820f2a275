"""The header `Prefer: wait=N` (RFC 7240): a client that would rather wait for an outcome than ask for it."""

import re
from collections.abc import Callable
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header

from api.problems import Problem
from stores.errors import StoreError
from streams import View
from streams.keys import Key

T = TypeVar("T")

LONGEST: Final = 30
"""Seconds; who asks for more gets that."""

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


async def appears(view: Callable[[], View[T]], key: Key, within: float) -> T | None:
    """The row of a key, once it is there; None where that takes longer than `within` seconds, or cannot be read."""
    try:
        return await view().awaited(key, lambda found: found is not None, within=within)
    except (StoreError, Problem):
        return None
