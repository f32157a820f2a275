"""The relay: every committed event is published, in order, under one id; nothing else is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random

import pytest

from agents.auth import outbox
from agents.auth.accounts import Accounts
from agents.auth.database import Database
from agents.auth.errors import EmailTaken
from agents.auth.events import (
    Profile,
    UserCreated,
    UserPreferencesChanged,
    UserTokenReuseDetected,
    UserUpdated,
)
from agents.auth.relay import Relay
from agents.auth.users import NewUser, created
from streams import Publisher
from streams.broker import Broker, Message
from streams.delivery import deliver
from streams.embedded import Embedded
from streams.errors import BrokerUnavailable
from tests.agents.auth.scene import PASSWORD, Clock, registered, told
from topology.load import load_shop

SHOP = load_shop()


class Wire:
    """A broker of its own, and all that was published to it; fails as often as it is told."""

    def __init__(self) -> None:
        self.embedded = Embedded(SHOP)
        self.broker: Broker = self.embedded.connect("auth")
        self.published: list[Message] = []
        self.failures = 0
        self.crashes_afterwards = False

    async def deliver(self, messages: Sequence[Message], trouble: Callable[[str], None]) -> None:
        if self.failures:
            self.failures -= 1
            raise BrokerUnavailable("the broker is away")
        await deliver(self.broker, messages, trouble, Random(0))
        self.published += messages
        if self.crashes_afterwards:
            raise BrokerUnavailable("the connection broke after the last confirm")

    def relay(self, database: Database, clock: Clock) -> Relay:
        publisher = Publisher(self.broker, SHOP, service="auth", now=clock, ids=Random(0))
        return Relay(database, publisher, self.deliver, clock)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    await wire.broker.open()
    yield wire
    await wire.embedded.close()


async def test_events_are_published_in_order_and_leave_the_outbox(
    accounts: Accounts, database: Database, wire: Wire, clock: Clock
) -> None:
    users = [await registered(accounts, f"rabbit{n}@downs.example") for n in range(3)]
    await accounts.change_profile(users[0].id, {"phone": "1"}, None, "request-7")
    assert await wire.relay(database, clock).round() == 4
    assert [message.type for message in wire.published] == ["user.created"] * 3 + ["user.updated"]
    assert [message.headers["key"] for message in wire.published] == [str(user.id) for user in (*users, users[0])]
    last = wire.published[-1]
    assert (last.exchange, last.correlation_id, last.headers["time"]) == ("user.events", "request-7", clock())
    assert await told(database) == []


async def test_nothing_is_told_of_a_user_who_was_not_made(
    accounts: Accounts, database: Database, wire: Wire, clock: Clock
) -> None:
    await registered(accounts)
    with pytest.raises(EmailTaken):
        await registered(accounts)
    await wire.relay(database, clock).round()
    assert len(wire.published) == 1


async def test_an_event_has_one_id_however_often_it_is_published(
    accounts: Accounts, database: Database, wire: Wire, clock: Clock
) -> None:
    await registered(accounts)
    wire.crashes_afterwards = True
    for _ in range(2):
        with pytest.raises(BrokerUnavailable):
            await wire.relay(database, clock).round()
    wire.crashes_afterwards = False
    await wire.relay(database, clock).round()
    assert len(wire.published) == 3
    assert len({message.message_id for message in wire.published}) == 1
    assert await told(database) == []


async def test_it_waits_out_a_broker_that_is_away_and_says_so(
    accounts: Accounts, database: Database, wire: Wire, clock: Clock
) -> None:
    await registered(accounts)
    wire.failures = 1
    relay, stop = wire.relay(database, clock), asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    await until(lambda: "the broker is away" in relay.status.reason)
    await until(lambda: relay.status.sent == 1)
    stop.set()
    await running
    assert (relay.status.state, relay.status.reason) == ("stopped", "")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  the relay has no event to wait for
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
async def test_one_relay_works_at_a_time(accounts: Accounts, database: Database, wire: Wire, clock: Clock) -> None:
    await registered(accounts)
    relay = wire.relay(database, clock)
    async with database.alone("relay") as alone:
        assert alone
        assert await relay.round() == 0
        assert relay.status.state == "waiting"
    assert await relay.round() == 1


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
async def test_an_event_that_is_committed_late_is_not_lost(
    accounts: Accounts, database: Database, wire: Wire, clock: Clock
) -> None:
    user = await registered(accounts)
    relay = wire.relay(database, clock)
    await relay.round()
    async with database.transaction() as slow:
        # Takes the lower number, and is committed after the higher one was published.
        outbox.put(slow, created(user), key="slow", now=clock(), chance=Random(5))
        await slow.flush()
        await accounts.register(NewUser("fiver@downs.example", PASSWORD, Profile(), ["customer"]))
        await relay.round()
    await relay.round()
    assert [message.headers["key"] for message in wire.published][-1] == "slow"
    assert await told(database) == []


def test_the_topology_lets_auth_publish_all_that_it_tells() -> None:
    for record in (UserCreated, UserUpdated, UserPreferencesChanged, UserTokenReuseDetected):
        assert record.__event__ is not None
        assert "auth" in SHOP.publishers("user.events", record.__event__)
