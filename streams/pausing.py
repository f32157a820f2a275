"""Waiting that ends early, when the worker stops or the task is cancelled."""

import asyncio


def being_cancelled() -> bool:
    """Whether somebody cancels the present task; if not, a CancelledError comes from what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait for `seconds`, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
