"""Ways out that are closed are told before anybody misses a letter."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from agents.notifications.carriers.outbox import MemoryOutbox
from agents.notifications.carriers.port import Receipt, Result
from agents.notifications.post import Post
from agents.notifications.tables import Channel
from agents.notifications.watch import EVERY, Watch
from tests.agents.notifications.office import Pigeon, virtual
from tests.agents.notifications.test_smtp import LETTER

CLOSED = "the mail server refuses the password: mend it"


class Guarded(Pigeon):
    """A pigeon whose way may be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = CLOSED

    async def check(self) -> str:
        return self.trouble


@pytest.fixture
def pigeon() -> Guarded:
    return Guarded()


@pytest.fixture
def post(pigeon: Guarded) -> Iterator[Post]:
    office = Post(dict.fromkeys(Channel, MemoryOutbox()))
    with office.served_by({Channel.EMAIL: pigeon, Channel.SMS: MemoryOutbox()}):
        yield office


@virtual
async def test_a_way_that_is_closed_is_told_at_the_start_once_in_the_log_and_no_more_when_it_is_open(
    pigeon: Guarded, post: Post
) -> None:
    watch, stop = Watch(post), asyncio.Event()
    with capture_logs() as lines:
        looking = asyncio.create_task(watch.run(stop))
        await asyncio.sleep(1)
        assert watch.status.troubles == {Channel.EMAIL: CLOSED}
        await asyncio.sleep(3 * EVERY)
        assert [line["reason"] for line in lines] == [CLOSED]
        pigeon.trouble = ""
        await asyncio.sleep(EVERY)
    assert watch.status.troubles == {}
    stop.set()
    await looking
    assert watch.status.state == "stopped"


async def test_what_a_letter_meets_is_told_too(pigeon: Guarded, post: Post) -> None:
    pigeon.script = [Receipt(Result.NOT_SENT, "SMTPAuthenticationError", CLOSED)]
    await post.send(Channel.EMAIL, LETTER)
    assert post.status.troubles == {Channel.EMAIL: CLOSED}
    await post.send(Channel.EMAIL, replace(LETTER, id="another"))
    assert post.status.troubles == {}
