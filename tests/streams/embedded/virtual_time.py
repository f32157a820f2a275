"""Tests whose clock jumps to whatever is next."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import ParamSpec, TypeVar

from streams.testing.virtual_time import VirtualTimeLoop

P = ParamSpec("P")
T = TypeVar("T")

BEGIN = 1_700_000_000_000
"""Milliseconds since 1970 when such a test begins."""


def clock() -> int:
    """Milliseconds since 1970, by the event loop's own time."""
    return BEGIN + round(asyncio.get_running_loop().time() * 1000)


def in_virtual_time(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run a test on an event loop with virtual time."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_in_virtual_time(test(*args, **kwargs))

    return run


def run_in_virtual_time(main: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end, on an event loop with virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
