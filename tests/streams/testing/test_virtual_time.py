"""Waiting costs nothing: each of these would take an hour, or for ever, of real time."""

import asyncio

import pytest

from streams.testing.virtual_time import VirtualTimeLoop


def test_an_hour_passes_at_once() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(asyncio.sleep(3_600))
        assert runner.get_loop().time() == 3_600


def test_a_timer_that_was_cancelled_is_not_waited_for_nor_is_what_comes_after_it() -> None:
    async def waits() -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(0)
        await asyncio.sleep(3_600)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(waits())
        assert runner.get_loop().time() == 3_600


def test_where_everything_waits_for_nothing_it_says_so() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, pytest.raises(RuntimeError, match="deadlock"):
        runner.run(asyncio.Event().wait())
