"""A store that is away for a while holds the replay up, and no more."""

import pytest

from stores.errors import StoreError, StoreUnavailable
from warren.replay import run
from warren.replay.errors import Stalled


class Flaky:
    """Answers after so many failures."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    async def ask(self) -> str:
        if self.left:
            self.left -= 1
            raise StoreUnavailable()
        return "an answer"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PAUSE", 0.001)


async def test_a_store_that_comes_back_is_asked_again() -> None:
    assert await run.patiently(Flaky(3).ask) == "an answer"


async def test_a_store_that_stays_away_ends_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PATIENCE", 0.01)
    with pytest.raises(Stalled, match="for 0 s: The store cannot be reached"):
        await run.patiently(Flaky(1_000_000).ask)


async def test_other_errors_are_not_asked_away() -> None:
    async def refuse() -> str:
        raise StoreError("no such table")

    with pytest.raises(StoreError, match="no such table"):
        await run.patiently(refuse)
