"""`warren provider`, and a payment agent that is pointed at it by a setting alone."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from agents.payments.provider.port import Authorize, Outcome
from agents.payments.till import till
from warren.outside import open_outside
from warren.settings import Settings, embedded_settings, load_settings

CHARGE = Authorize("tok_ok", Decimal(10), "EUR")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "warren", "provider", "--port", "0"]
    process = subprocess.Popen(
        command, env={"WARREN_DATA": str(tmp_path), "WARREN_LOG_LEVEL": "warning"}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    yield process.stderr.readline().removeprefix("serving ").strip()
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (0, "")


async def settled(settings: Settings, key: str) -> Outcome:
    """What the till of a process with these settings answers."""
    async with AsyncExitStack() as stack:
        open_outside(settings, stack)
        return (await till.ask(key, CHARGE)).outcome


async def test_the_till_asks_the_provider_that_the_setting_names(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARREN_PROVIDER", service)
    monkeypatch.setenv("WARREN_DATA", str(tmp_path / "of the worker"))
    assert await settled(load_settings(), "1:authorize") is Outcome.DONE
    assert not (tmp_path / "of the worker").exists()


async def test_without_the_setting_the_provider_is_in_this_process(tmp_path: Path) -> None:
    assert await settled(embedded_settings(tmp_path / "data"), "1:authorize") is Outcome.DONE
    assert (tmp_path / "data" / "provider.db").exists()


async def test_a_book_that_cannot_be_kept_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="set WARREN_DATA to a directory that may be written to, or WARREN_PROVIDER"):
        await settled(embedded_settings(tmp_path / "file"), "1:authorize")
