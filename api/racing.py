"""Coroutines that run beside each other until one of them has had enough."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first(*running: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends; raises what ended it."""
    tasks = [asyncio.create_task(one) for one in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        await task
