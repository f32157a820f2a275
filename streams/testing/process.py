"""Simulated operating-system processes: what runs in one can be stopped, woken and killed between any two steps.

A process is a context variable. Tasks, callbacks and timers inherit the context of whoever made them, so everything
that a worker sets going belongs to its process, and the loop asks the process before each step: every `await` is a
place where it may be stopped (SIGSTOP) or killed (SIGKILL). Nothing of a killed process runs any more, not even
`finally`, until the simulation is over and buries it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from selectors import SelectorKey, SelectSelector
from typing import Any, Literal, TypeVarTuple

from streams.errors import StreamsError
from streams.testing.virtual_time import VirtualTimeLoop


class Endless(StreamsError):
    """The simulation does not come to an end."""


Ts = TypeVarTuple("Ts")

TURNS = 400_000
"""Turns of the event loop that a small simulation may take: far more than any needs that comes to an end."""


class Process:
    """See the module's text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: Literal["running", "stopped", "dead", "buried"] = "running"
        self.steps = 0
        """Steps taken: where a fate strikes is counted in these."""
        self._context = copy_context()
        self._context.run(_current.set, self)
        self._held: list[_Step] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._strike_at = -1
        self._strike: Callable[[], None] = lambda: None

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run a coroutine in this process."""
        return asyncio.get_running_loop().create_task(coroutine, context=self._context)

    def strike(self, steps: int, action: Callable[[], None]) -> None:
        """Do something to this process before its `steps`th step from now."""
        self._strike_at, self._strike = self.steps + steps, action

    def spare(self) -> None:
        """Forget what was to strike it."""
        self._strike_at = -1

    def stop(self) -> None:
        """SIGSTOP."""
        self.state = "stopped"

    def wake(self) -> None:
        """SIGCONT: what has become ready meanwhile runs, in its order."""
        self.state = "running"
        self._release()

    def kill(self) -> None:
        """SIGKILL. It is never woken again."""
        self.state = "dead"

    def owns(self, task: "asyncio.Task[Any]") -> None:
        """Take note of a task that was made in this process."""
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    def holds(self, step: "_Step") -> bool:
        """Whether this step has to wait; asked before each."""
        if self.state == "running":
            self.steps += 1
            if self.steps == self._strike_at:
                self._strike()
        if self.state in {"stopped", "dead"}:
            self._held.append(step)
            return True
        return False

    async def bury(self) -> None:
        """Unwind the tasks of a dead process, so that the interpreter can forget them. Its wires must be cut before."""
        self.state = "buried"
        while self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            self._release()
            await asyncio.sleep(0.01)

    def _release(self) -> None:
        held, self._held = self._held, []
        for step in held:
            step.again()


_current: ContextVar[Process | None] = ContextVar("process", default=None)


class _Step:
    """One callback of a process, on its way to run."""

    __slots__ = ("_args", "_callback", "_context", "_process", "handle")

    def __init__(self, process: Process, callback: Callable[..., object], args: tuple[Any, ...], context: Context):
        self._process = process
        self._callback = callback
        self._args = args
        self._context = context
        self.handle: asyncio.Handle | None = None

    def __call__(self) -> None:
        if self.handle is not None and self.handle.cancelled():
            return  # it was cancelled after it had been held and set going again
        if not self._process.holds(self):
            self._callback(*self._args)

    def again(self) -> None:
        asyncio.BaseEventLoop.call_soon(asyncio.get_running_loop(), self, context=self._context)  # type: ignore[arg-type]  # a SelectorEventLoop


class _Nothing(SelectSelector):
    """Nothing comes from outside a simulation: there is no need to ask the operating system."""

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        return []


class ProcessLoop(VirtualTimeLoop):
    """Virtual time, and processes."""

    def __init__(self, turns: int = TURNS) -> None:
        """`turns` are how many the loop may take; then it raises Endless."""
        self._turns, self._most = 0, turns
        super().__init__(_Nothing())

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        process = _process_of(context)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        step = _Step(process, callback, args, context or copy_context())
        step.handle = super().call_soon(step, context=context)
        return step.handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        process = _process_of(context)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        step = _Step(process, callback, args, context or copy_context())
        step.handle = handle = super().call_at(when, step, context=context)
        return handle

    def create_task(self, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = super().create_task(coro, **options)
        process = _process_of(options.get("context"))
        if process is not None:
            process.owns(task)
        return task

    def _run_once(self) -> None:
        self._turns += 1
        if self._turns == self._most:
            raise Endless(f"no end after {self._most:,} turns of the event loop: something spins")
        super()._run_once()


def _process_of(context: Context | None) -> Process | None:
    return _current.get() if context is None else context.get(_current)
