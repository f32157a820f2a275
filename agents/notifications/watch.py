"""Looks after the ways out, so that one that is closed is told before anybody misses a letter."""

import asyncio
from typing import Final

from agents.notifications.post import Post
from streams.pausing import pause
from streams.status import Status

EVERY: Final = 60.0
"""Seconds between two looks."""


class Watch:
    """Runs where the service's agents run, since there the letters go out."""

    def __init__(self, post: Post) -> None:
        self._post = post

    @property
    def status(self) -> Status:
        """Of the ways."""
        return self._post.status

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        self.status.running()
        while not stop.is_set():
            await self._post.check()
            await pause(stop, EVERY)
        self.status.stopped()
