"""Reading from the database what every request needs."""

import asyncio
from collections.abc import Callable, Coroutine


class Reading:
    """At most one at a time: whoever wants it meanwhile waits for its end, and then all go on at once.

    Behind a lock they would go on one by one, a turn of the event loop each, while those who come later and find
    what was read pass them by: of 1,000 at once the last waited three seconds.
    """

    def __init__(self, read: Callable[[], Coroutine[object, object, None]]) -> None:
        self._read = read
        self._task: asyncio.Task[None] | None = None

    async def done(self) -> None:
        """Wait until it has been read, which goes on when this is cancelled. Raises what reading raises."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
            self._task.add_done_callback(_noted)
        await asyncio.shield(self._task)

    def outdated(self) -> None:
        """What is under way is too old for whoever comes now."""
        self._task = None


def _noted(task: asyncio.Task[None]) -> None:
    """Whoever waited may have gone."""
    if not task.cancelled():
        task.exception()
