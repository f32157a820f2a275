"""The body of a log agent, driven by hand.

The engine resumes the coroutine itself, so that no task, future or lock stands between two events: the body runs until
it asks for more than there is. What else it awaits (`table.load`) goes through to the event loop.
"""

from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from types import coroutine
from typing import Any, Final

from streams.errors import StreamsError


class _Need:
    """What a feed awaits when it has no more events. Answers whether the time for waiting is up."""

    def __await__(self) -> Generator["_Need", bool, bool]:
        return (yield self)


need: Final = _Need()


class BodyReturned(StreamsError):
    """The agent's body returned without reading an event: it must loop over its stream (`async for … in stream`)."""


class Body:
    """One run of the coroutine after another: it begins anew after it returned or failed."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._start = start
        self._running: Coroutine[Any, Any, None] | None = None
        self._waiting = False

    @coroutine
    def advance(self, time_is_up: bool = False) -> Generator[Any, Any, bool]:
        """Run until the body asks for more (True) or returns (False). Raises what the body raises."""
        if self._running is None:
            self._running = self._start()
            self._waiting = False
        answer: Any = time_is_up if self._waiting else None
        error: BaseException | None = None
        while True:
            try:
                signal = self._running.send(answer) if error is None else self._running.throw(error)
            except StopIteration:
                self._running = None
                return False
            except BaseException:
                self._running = None
                raise
            if signal is need:
                self._waiting = True
                return True
            answer, error = None, None
            try:
                answer = yield signal
            except BaseException as thrown:
                error = thrown

    def close(self) -> None:
        """Drop the run at hand."""
        running, self._running = self._running, None
        if running is None:
            return
        # Not `close()`: before Python 3.13 it leaves async generators that the body awaits in the middle of a step.
        with suppress(CancelledError, Exception):
            running.throw(CancelledError())
        running.close()
