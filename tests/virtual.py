"""Tests in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import wraps
from inspect import Signature, signature
from typing import Any

from streams.testing.virtual_time import VirtualTimeLoop


def in_virtual_time(
    given: Callable[[], AbstractAsyncContextManager[object]],
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Run a test in virtual time; its first parameter is what `given` gives, made anew for each run."""

    def decorate(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        async def run(*args: Any, **kwargs: Any) -> None:
            async with given() as first:
                await test(first, *args, **kwargs)

        @wraps(test)
        def virtual(*args: Any, **kwargs: Any) -> None:
            with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
                runner.run(run(*args, **kwargs))

        parameters = list(signature(test).parameters.values())[1:]
        virtual.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # pytest asks for it
        return virtual

    return decorate
