"""Tests whose clock jumps to whatever is next."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

from tests.streams.engine.virtual import VirtualTimeLoop

P = ParamSpec("P")

BEGIN = 1_700_000_000_000
"""Milliseconds since 1970 when such a test begins."""


def clock() -> int:
    """Milliseconds since 1970, by the event loop's own time."""
    return BEGIN + round(asyncio.get_running_loop().time() * 1000)


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run a test on an event loop with virtual time."""

    async def awaited(*args: P.args, **kwargs: P.kwargs) -> None:
        await test(*args, **kwargs)

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(awaited(*args, **kwargs))

    return run
