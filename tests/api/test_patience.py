"""Many waits of one length, and one timer for them."""

import asyncio

import pytest

from api.patience import Patience


async def test_a_wait_that_lasts_too_long_ends_and_those_that_ended_before_are_left_alone() -> None:
    loop, patience = asyncio.get_running_loop(), Patience(0.05)
    late, early, gone = loop.create_future(), loop.create_future(), loop.create_future()
    for wait in (late, early, gone):
        patience.watch(wait)
    early.set_result("in time")
    gone.cancel()
    with pytest.raises(TimeoutError):
        await late
    assert early.result() == "in time"
    assert gone.cancelled()


async def test_each_wait_has_the_whole_time() -> None:
    loop, patience = asyncio.get_running_loop(), Patience(0.2)
    first, second = loop.create_future(), loop.create_future()
    began = loop.time()
    patience.watch(first)
    with pytest.raises(TimeoutError):
        await first
    patience.watch(second)
    with pytest.raises(TimeoutError):
        await second
    assert loop.time() - began >= 0.4


async def test_waits_that_are_over_are_not_kept() -> None:
    loop, patience = asyncio.get_running_loop(), Patience(60.0)
    for _ in range(1_000):
        wait = loop.create_future()
        patience.watch(wait)
        wait.set_result(None)
    assert len(patience._ends) == 1
