"""What is outside the shop and may fail it: the payment provider on its way, and those who carry letters."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from agents.notifications.carriers.port import Letter as Mail
from agents.notifications.carriers.port import Receipt, Result
from agents.notifications.post import post
from agents.notifications.tables import Channel
from agents.payments.provider.book import Book
from agents.payments.provider.port import Answer, Operation, Outcome, ProviderMisused
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from tests.shop.invariants.evidence import Letter

WAYS = (0.0005, 0.0005, 0.01, 0.3)
"""Seconds on the way, there or back."""


LATE = (0.05, 2.0, 20.0)
"""Seconds by which some requests arrive after their answer was given up."""
SILENCE = Answer(Outcome.UNKNOWN, code="timeout")


class FarProvider:
    """The simulated provider, far away: answers take time, and some are lost, on their way there or back."""

    def __init__(self, simulator: Simulator, random: Random, lost: float) -> None:
        """`lost` is the share of calls that come to no answer."""
        self._simulator = simulator
        self._random = random
        self._lost = lost
        self._context = copy_context()

    async def ask(self, key: str, operation: Operation) -> Answer:
        await asyncio.sleep(self._random.choice(WAYS))
        fate = self._random.random()
        if fate < self._lost / 3:
            return SILENCE
        if fate < self._lost * 2 / 3:
            self._arrives_late(key, operation)
            return SILENCE
        answer = await self._simulator.ask(key, operation)
        await asyncio.sleep(self._random.choice(WAYS))
        return SILENCE if fate < self._lost else answer

    def _arrives_late(self, key: str, operation: Operation) -> None:
        """Whether or not whoever asked is still there."""

        def arrive() -> None:
            with suppress(ProviderMisused):
                self._simulator.take(key, operation)

        asyncio.get_running_loop().call_later(self._random.choice(LATE), arrive, context=self._context)

    async def look_up(self, key: str) -> Answer:
        await asyncio.sleep(self._random.choice(WAYS))
        if self._random.random() < self._lost:
            return SILENCE
        return await self._simulator.look_up(key)


class Pigeons:
    """Carry letters to where they go; of some it is not known whether they arrived."""

    repeatable = False

    def __init__(self, random: Random, lost: float) -> None:
        self._random = random
        self._lost = lost
        self.arrived: list[Letter] = []

    async def send(self, letter: Mail) -> Receipt:
        await asyncio.sleep(self._random.choice(WAYS))
        fate = self._random.random()
        if fate < self._lost / 3:
            return Receipt(Result.NOT_SENT, "busy")
        if fate >= self._lost * 2 / 3:
            about, template, channel, recipient = letter.id.split(":")
            self.arrived.append(Letter(about, template, channel, recipient))
        return Receipt(Result.UNKNOWN, "silence") if fate < self._lost else Receipt(Result.SENT)

    async def check(self) -> str:
        return ""

    async def close(self) -> None:
        """They fly home by themselves."""


class Outside:
    """All of it, with what is known there."""

    def __init__(self, directory: Path, random: Random, lost: float) -> None:
        self._path = directory / "provider.db"
        self.provider = Simulator(Book(str(self._path)))
        self.far = FarProvider(self.provider, random, lost)
        self.pigeons = Pigeons(random, lost)

    def book(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """The provider's operations and accounts, as they stand in its file."""
        return book_of(self._path)


def book_of(path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The operations and accounts of a simulated provider's file; nothing where nobody ever asked it."""
    if not path.exists():
        return {}, {}
    with closing(sqlite3.connect(path)) as connection:
        operations = dict(connection.execute("SELECT key, entry FROM operations"))
        accounts = dict(connection.execute("SELECT reference, account FROM accounts"))
    return operations, accounts


@contextmanager
def outside(random: Random, lost: float = 0.0) -> Iterator[Outside]:
    """The world around the shop, as long as the context lasts."""
    with TemporaryDirectory(prefix="warren-shop-", dir=_memory()) as directory:
        world = Outside(Path(directory), random, lost)
        carriers = dict.fromkeys(Channel, world.pigeons)
        with till.served_by(world.far), post.served_by(carriers, operators="operators@shop.test"):
            yield world


def _memory() -> str | None:
    """Where files cost nothing, if there is such a place."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
