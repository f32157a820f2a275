"""The network between one simulated process and the servers.

A server's work runs outside the process: once a request is on its way, it is carried out whether the process that sent
it still lives or not. Only the answer has to wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, TypeVar

from streams.testing.process import Process
from streams.testing.trace import Trace
from streams.testing.weather import Passing, Trip, Weather

T = TypeVar("T")
Work = Callable[[], Awaitable[T]]


class Network:
    """The servers' side: its weather, its trace, and what is still on its way."""

    def __init__(self, weather: Weather, trace: Trace) -> None:
        self.weather = weather
        self.trace = trace
        self._outside: Context = copy_context()
        self._under_way: dict[asyncio.Task[None], Process | None] = {}
        self._late: dict[asyncio.Task[None], None] = {}

    def begin(
        self, work: Coroutine[Any, Any, None], *, late: bool, process: Process | None = None
    ) -> "asyncio.Task[None]":
        """Run something in no process, whatever becomes of that which waits for it."""
        task = asyncio.get_running_loop().create_task(work, context=self._outside.copy())
        self._under_way[task] = process
        if late:
            self._late[task] = None
        task.add_done_callback(self._done, context=self._outside)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        del self._under_way[task]
        self._late.pop(task, None)

    def awaited_by(self, process: Process) -> "list[asyncio.Task[None]]":
        """What is under way, and this process waits for it."""
        return [task for task, by in self._under_way.items() if by is process]

    async def close(self) -> None:
        """Leave undone what nobody waits for any more."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def arrived(self) -> None:
        """Wait until nothing is late any more."""
        while self._late:
            await asyncio.wait(tuple(self._late))


class Wire:
    """One process's connections."""

    def __init__(self, process: Process, network: Network) -> None:
        self.process = process
        self._network = network
        self._cut = False

    @property
    def weather(self) -> Weather:
        """What the network is like."""
        return self._network.weather

    def note(self, *what: object) -> None:
        """Add a line to the trace."""
        self._network.trace.note(self.process.name, *what)

    def tell(self, work: Coroutine[Any, Any, None]) -> None:
        """Have a server do something that nobody waits for."""
        _ = self._network.begin(work, late=True)

    async def call(self, work: Work[T], trip: Trip, broken: Callable[[Passing], BaseException]) -> T:
        """Have a server do something. Raises what it raises, and what `broken` makes of a passing that is not WELL."""
        if self._cut:
            raise asyncio.CancelledError
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        late = trip.passing is Passing.LATE
        task = self._network.begin(_carry(work, trip, broken, answer), late=late, process=self.process)
        try:
            return await answer
        except asyncio.CancelledError:
            if self.weather.coin():
                task.cancel()
            raise

    async def wait(self, work: Work[T]) -> T:
        """Have a server tell what comes next. A caller that no longer waits has asked for nothing."""
        if self._cut:
            raise asyncio.CancelledError
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = self._network.begin(_tell(work, answer), late=False, process=self.process)
        try:
            return await answer
        finally:
            task.cancel()

    def cut(self) -> None:
        """The process is dead. Of its requests under way, some have left the machine."""
        self._cut = True
        for task in self._network.awaited_by(self.process):
            if self.weather.coin():
                task.cancel()


async def _carry(
    work: Work[T], trip: Trip, broken: Callable[[Passing], BaseException], answer: "asyncio.Future[T]"
) -> None:
    await asyncio.sleep(trip.there)
    match trip.passing:
        case Passing.WELL | Passing.REFUSED:
            await _tell(work, answer, trip.back)
        case Passing.TURNED_AWAY | Passing.LOST:
            await asyncio.sleep(trip.back)
            _fail(answer, broken(trip.passing))
        case Passing.UNANSWERED:
            await _unheard(work)
            await asyncio.sleep(trip.back)
            _fail(answer, broken(trip.passing))
        case Passing.LATE:
            _fail(answer, broken(trip.passing))
            await asyncio.sleep(trip.lateness)
            await _unheard(work)


async def _tell(work: Work[T], answer: "asyncio.Future[T]", back: float = 0.0) -> None:
    try:
        result = await work()
    except Exception as error:
        _fail(answer, error)
        return
    if back:
        asyncio.get_running_loop().call_later(back, _succeed, answer, result)
    else:
        _succeed(answer, result)


async def _unheard(work: Work[T]) -> None:
    with suppress(Exception):
        await work()


def _succeed(answer: "asyncio.Future[T]", result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[T]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # a process that was killed never asks for it
