"""A process of the shop ends where its topology is not the one in force."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from warren import serving
from warren.errors import OutdatedTopology
from warren.settings import Settings


async def test_a_process_waits_for_whichever_comes_first() -> None:
    stop, outdated = asyncio.Event(), asyncio.Event()
    waiting = asyncio.create_task(serving.either(stop, outdated))
    await asyncio.sleep(0)
    assert not waiting.done()
    outdated.set()
    await waiting


def test_a_process_whose_agents_have_left_ends_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def running(settings: Settings, *, outdated: asyncio.Event, **others: object) -> AsyncIterator[str]:
        outdated.set()  # as the worker does
        yield ""

    monkeypatch.setattr(serving, "running", running)
    announced: list[str] = []
    with pytest.raises(OutdatedTopology, match="start it again"):
        serving.run_until_signal(Settings(), announced.append)
    assert announced == [""]
