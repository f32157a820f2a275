"""What is kept where nothing is sent."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from agents.notifications.carriers import outbox
from agents.notifications.carriers.outbox import FileOutbox
from agents.notifications.carriers.port import Letter, Result

LETTER = Letter("1:a:email:9", "hazel@example.org", "Paid", "text", "<p>", "short", datetime(2026, 1, 1, tzinfo=UTC))


async def test_a_letter_is_a_file_that_mail_programs_open_and_again_the_same_file(tmp_path: Path) -> None:
    kept = FileOutbox(tmp_path / "outbox")
    for _ in range(2):
        assert (await kept.send(LETTER)).result is Result.SENT
    (file,) = (tmp_path / "outbox").iterdir()
    assert message_from_bytes(file.read_bytes(), policy=default)["To"] == "hazel@example.org"


async def test_the_oldest_letters_go_also_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST", 5)
    for start in (0, 4):
        kept = FileOutbox(tmp_path)
        for number in range(start, start + 4):
            await kept.send(replace(LETTER, id=str(number)))
    assert len(os.listdir(tmp_path)) == 5


async def test_a_place_that_cannot_be_written_to_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert (await FileOutbox(tmp_path / "file").send(LETTER)).result is Result.NOT_SENT


@pytest.mark.parametrize("address", ["a@[", '))#@,"', "({|a).@/a#!*", "a@" + 38 * "(", "hazél@example.org"])
async def test_an_address_that_no_mail_can_have_is_refused(tmp_path: Path, address: str) -> None:
    receipt = await FileOutbox(tmp_path).send(replace(LETTER, address=address))
    assert (receipt.result, receipt.reason) == (Result.REFUSED, "bad_address")
