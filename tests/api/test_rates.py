"""Limits on requests: whose they are, how many there may be, and what happens without Redis."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from api.addresses import client_of, place_of
from api.app import create_app
from api.gateway import Gateway
from api.middleware.rate_limits import RateLimits
from api.moving_window import KEYS, MovingWindow
from api.rates import REST, Rate, Rates, SharedUnavailable
from api.redis_rates import RedisWindows
from tests.api.shop import Shop, open_shop
from tests.servers.server import RedisServer

OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
RATE = Rate("test", 10, 60)


class Clock:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["1.1.1.1", "junk", "10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("fd00::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("testclient", ["198.51.100.1"], "testclient"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_none_of_our_proxies(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert client_of(peer, forwarded, OURS) == client


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("testclient", "testclient"),
    ],
)
def test_a_place_is_an_address_or_a_network_of_64_bits(address: str, place: str) -> None:
    assert place_of(address) == place


@given(st.lists(st.integers(0, 40), max_size=80))
def test_no_window_ever_admits_more_than_it_may(pauses: list[int]) -> None:
    window, now, admitted = MovingWindow(100), 0, list[int]()
    for pause in pauses:
        now += pause
        wait = window.take("k", 3, now)
        if wait:
            assert MovingWindow(100).take("k", 3, now) == 0
            assert len([at for at in admitted if at > now - 100]) == 3
            assert len([at for at in admitted if at > now + wait - 100]) <= 2
            assert len([at for at in admitted if at > now + wait - 101]) == 3
        else:
            admitted.append(now)
    assert all(len([at for at in admitted if end - 100 < at <= end]) <= 3 for end in admitted)


def test_the_quietest_key_is_forgotten_for_a_new_one() -> None:
    window = MovingWindow(100)
    for key in range(KEYS + 1):
        window.take(str(key), 1, 0)
    assert window.take("1", 1, 1) == 99
    assert window.take("0", 1, 1) == 0


@asynccontextmanager
async def limited(most: int, proxies: bool = False) -> AsyncIterator[tuple[Shop, Clock]]:
    clock = Clock()
    gateway = Gateway(requests_per_minute=most, trusted_proxies=OURS if proxies else ())
    async with open_shop(gateway=gateway, now=clock) as shop:
        yield shop, clock


async def test_the_101st_request_within_a_minute_is_429_and_says_when_to_come_back() -> None:
    async with limited(100) as (shop, clock):
        for _ in range(100):
            assert (await shop.client.get("/api/products")).status_code == 200
            clock.now += 100
        answer = await shop.client.get("/api/products")
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
        assert answer.headers["retry-after"] == "50"
        assert answer.json()["correlationId"] == answer.headers["x-request-id"]
        clock.now += 50_000
        assert (await shop.client.get("/api/products")).status_code == 200
        assert (await shop.client.get("/api/products")).status_code == 429


async def test_what_is_not_under_api_has_no_limit() -> None:
    async with limited(1) as (shop, _):
        for _ in range(3):
            assert (await shop.client.get("/healthz")).status_code == 200


async def test_a_body_that_is_not_read_does_not_hide_the_429() -> None:
    async with limited(1) as (shop, _):
        assert (await shop.place()).status_code == 202
        assert (await shop.place("key-2")).status_code == 429


def from_address(shop: Shop, peer: str) -> httpx.AsyncClient:
    """A client whose connection comes from there, to an app of its own."""
    transport = httpx.ASGITransport(create_app(shop.edge), client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://shop")


async def statuses(client: httpx.AsyncClient, forwarded: list[str]) -> list[int]:
    return [(await client.get("/api/products", headers={"X-Forwarded-For": value})).status_code for value in forwarded]


async def test_x_forwarded_for_of_strangers_makes_nobody_another() -> None:
    async with limited(2) as (shop, _), from_address(shop, "203.0.113.5") as client:
        assert await statuses(client, ["1.1.1.1", "1.1.1.2", "1.1.1.3"]) == [200, 200, 429]


async def test_behind_our_proxy_each_client_has_its_own_limit_and_cannot_spoof_another() -> None:
    async with limited(2, proxies=True) as (shop, _), from_address(shop, "10.0.0.1") as client:
        mallory = [f"{spoofed}, 198.51.100.66" for spoofed in ("1.1.1.1", "1.1.1.2", "10.9.9.9")]
        assert await statuses(client, mallory) == [200, 200, 429]
        assert await statuses(client, ["198.51.100.1"]) == [200]


async def test_an_ipv6_customer_has_one_limit_for_all_addresses() -> None:
    async with limited(2, proxies=True) as (shop, _), from_address(shop, "10.0.0.1") as client:
        forwarded = [f"2001:db8:0:1::{n}" for n in range(3)]
        assert await statuses(client, forwarded) == [200, 200, 429]
        assert await statuses(client, ["2001:db8:0:2::1"]) == [200]


async def test_a_websocket_above_the_limit_is_refused() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is to be received")

    async def unreached(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the application is not to be asked")

    rates = Rates(Clock())
    await rates.take(Rate("requests", 1, 60), "203.0.113.5")
    app = RateLimits(unreached, rates, Rate("requests", 1, 60))
    scope = {"type": "websocket", "path": "/api/analytics/live", "client": ("203.0.113.5", 1)}
    await app(scope, receive, send)
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1013)]


class Flaky:
    """Shared windows that can be taken away."""

    def __init__(self, clock: Clock) -> None:
        self.window = MovingWindow(60_000)
        self.clock = clock
        self.gone = False
        self.hangs = False
        self.asked = 0

    async def take(self, rate: Rate, key: str) -> int:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.gone:
            raise SharedUnavailable("gone")
        return self.window.take(key, rate.most, self.clock.now)

    async def forget(self, rate: Rate, key: str) -> None:
        if self.gone:
            raise SharedUnavailable("gone")
        self.window.forget(key)

    async def close(self) -> None:
        pass


async def admitted(rates: Rates, tries: int) -> int:
    return [await rates.take(RATE, "k") for _ in range(tries)].count(0)


async def test_two_processes_admit_together_what_one_may() -> None:
    clock = Clock()
    shared = Flaky(clock)
    one, two = (Rates(clock, shared, 2) for _ in range(2))
    assert await admitted(one, 6) + await admitted(two, 6) == 10


async def test_what_the_others_have_used_up_does_not_count_against_this_process_later() -> None:
    clock = Clock()
    shared = Flaky(clock)
    one, two = (Rates(clock, shared, 2) for _ in range(2))
    await admitted(one, 10)
    clock.now += 30_000
    assert await admitted(two, 20) == 0
    clock.now += 30_000
    assert await admitted(two, 20) == 10


async def test_without_redis_each_process_admits_its_part_and_knows_whom_it_has_admitted() -> None:
    clock = Clock()
    shared = Flaky(clock)
    one, two = (Rates(clock, shared, 2) for _ in range(2))
    assert await admitted(one, 3) == 3
    shared.gone = True
    assert await admitted(one, 10) == 2
    assert await admitted(two, 10) == 5


async def test_a_redis_that_is_gone_is_asked_again_after_a_second() -> None:
    clock = Clock()
    shared = Flaky(clock)
    rates = Rates(clock, shared)
    shared.gone = True
    await admitted(rates, 3)
    assert shared.asked == 1
    shared.gone = False
    clock.now += REST
    await admitted(rates, 2)
    assert shared.asked == 3


async def test_a_redis_that_hangs_holds_a_request_for_a_quarter_of_a_second_at_most() -> None:
    clock = Clock()
    shared = Flaky(clock)
    shared.hangs = True
    async with asyncio.timeout(30):
        assert await admitted(Rates(clock, shared), 3) == 3


async def test_a_redis_that_has_forgotten_everything_admits_nobody_twice_in_one_process() -> None:
    clock = Clock()
    shared = Flaky(clock)
    rates = Rates(clock, shared)
    assert await admitted(rates, 10) == 10
    shared.window = MovingWindow(60_000)
    assert await admitted(rates, 10) == 0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that is there is waited for, however busy the machine is."""
    monkeypatch.setattr("api.rates.PATIENCE", 30.0)
    monkeypatch.setattr("api.redis_rates.PATIENCE", 30.0)


@pytest.mark.servers
async def test_redis_counts_for_all_processes(redis: str, patient: None) -> None:
    windows = [RedisWindows(redis) for _ in range(2)]
    key, rate = str(uuid4()), Rate("test", 7, 2)
    one, two = (Rates(Clock(), shared, 2) for shared in windows)
    waits = await asyncio.gather(*(random.choice([one, two]).take(rate, key) for _ in range(20)))
    assert waits.count(0) == 7
    assert all(0 < wait <= 2_000 for wait in waits if wait)
    await one.forget(rate, key)
    assert await windows[1].take(rate, key) == 0
    for window in windows:
        await window.close()


@pytest.mark.servers
async def test_requests_are_served_while_redis_is_down(own_redis: RedisServer, patient: None) -> None:
    windows = RedisWindows(own_redis.url)
    gateway = Gateway(requests_per_minute=6, shared=windows, replicas=2)
    async with open_shop(gateway=gateway) as shop:
        assert (await shop.client.get("/api/products")).status_code == 200
        own_redis.kill()
        found = [(await shop.client.get("/api/products")).status_code for _ in range(4)]
    assert found == [200, 200, 429, 429]
    await windows.close()
