"""Simulated processes: stopped, woken and killed between any two steps."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from functools import wraps

import pytest

from streams.testing.process import Endless, Process, ProcessLoop


def simulated(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run a test on a loop with processes."""

    @wraps(test)
    def run() -> None:
        with asyncio.Runner(loop_factory=ProcessLoop) as runner:
            runner.run(test())

    return run


async def count(seen: list[float]) -> None:
    """Note the time each second, from a task within."""
    while True:
        await asyncio.create_task(asyncio.sleep(1))
        seen.append(asyncio.get_running_loop().time())


async def cancelled(task: "asyncio.Task[None]") -> None:
    """End a task."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@simulated
async def test_a_stopped_process_takes_no_step_and_goes_on_where_it_was() -> None:
    seen: list[float] = []
    process = Process("p")
    task = process.spawn(count(seen))
    await asyncio.sleep(2.5)
    process.stop()
    await asyncio.sleep(10)
    assert seen == [1, 2]
    process.wake()
    await asyncio.sleep(1.5)
    assert seen == [1, 2, 12.5, 13.5]
    await cancelled(task)


@simulated
async def test_others_run_on_while_a_process_is_stopped() -> None:
    seen: list[float] = []
    stopped, other = Process("p"), Process("q")
    tasks = [stopped.spawn(count([])), other.spawn(count(seen))]
    stopped.stop()
    await asyncio.sleep(3.5)
    assert seen == [1, 2, 3]
    stopped.wake()
    for task in tasks:
        await cancelled(task)


@simulated
async def test_nothing_of_a_killed_process_runs_not_even_finally_until_it_is_buried() -> None:
    left: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(1)
            left.append("done")
        finally:
            left.append("finally")

    process = Process("p")
    task = process.spawn(work())
    await asyncio.sleep(0.5)
    process.kill()
    await asyncio.sleep(10)
    assert left == []
    await process.bury()
    assert task.cancelled()
    assert left == ["finally"]


@simulated
async def test_fate_strikes_before_the_step_it_is_told() -> None:
    steps: list[int] = []

    async def work() -> None:
        for number in range(100):
            steps.append(number)
            await asyncio.sleep(0)

    process = Process("p")
    _ = process.spawn(work())
    process.strike(8, process.kill)
    await asyncio.sleep(1)
    assert steps == list(range(7))
    await process.bury()


def test_what_spins_is_ended() -> None:
    async def spin() -> None:
        for _ in itertools.count():
            await asyncio.sleep(0)

    loop = ProcessLoop()
    spinning = loop.create_task(spin())
    with pytest.raises(Endless):
        loop.run_until_complete(spinning)
    spinning.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(spinning)
    loop.close()
