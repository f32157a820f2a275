"""One Idempotency-Key, one answer; and waiting for it."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agents.gateway.tables import Shelf, shelves
from api.idempotency import DAY, LEASE
from api.preferring import LONGEST, wait_of
from stores.errors import StoreUnavailable
from stores.memory import MemoryStore
from stores.port import Document, Put
from streams.embedded import Fate
from tests.api.shop import USER, Shop, now, open_shop, order


class Clock:
    """The machine's, and what is added to it."""

    def __init__(self) -> None:
        self.later = 0

    def __call__(self) -> int:
        return now() + self.later


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def test_the_second_request_gets_the_first_one_s_answer_and_publishes_nothing(shop: Shop) -> None:
    first, second = await shop.place(), await shop.place()
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(shop.weather.seen) == 1


async def test_the_same_key_with_another_body_is_422(shop: Shop) -> None:
    await shop.place()
    assert outcome(await shop.place(paymentToken="tok_other")) == (422, "idempotency_key_reused")
    assert len(shop.weather.seen) == 1


async def test_the_order_of_members_and_unknown_ones_make_no_other_body(shop: Shop) -> None:
    first = await shop.place()
    body = dict(reversed(order(price="0.01").items()))
    second = await shop.client.post("/api/orders", json=body, headers={"Idempotency-Key": "key-1"})
    assert second.content == first.content


async def test_of_requests_at_once_one_works_and_the_others_are_409(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.place() for _ in range(8)))
    outcomes = [outcome(answer) for answer in answers]
    assert outcomes.count((202, None)) == 1
    assert outcomes.count((409, "idempotency_key_in_flight")) == 7
    assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 409} == {"1"}
    assert len(await shop.log("orders.saga")) == 1


async def test_keys_of_two_users_are_two_keys(shop: Shop) -> None:
    assert (await shop.place()).json() != (await shop.place(userId=str(uuid4()))).json()
    assert len(shop.weather.seen) == 2


async def test_a_refused_request_leaves_its_key_free(shop: Shop) -> None:
    assert (await shop.place(currency="USD")).status_code == 422
    assert (await shop.place()).status_code == 202


async def test_after_a_failure_the_same_request_may_try_again_and_no_other(shop: Shop) -> None:
    shop.weather.always = Fate.REFUSED
    assert (await shop.place()).status_code == 503
    shop.weather.always = Fate.KEPT
    assert outcome(await shop.place(paymentToken="tok_other")) == (422, "idempotency_key_reused")
    assert (await shop.place()).status_code == 202


async def test_an_answer_is_kept_for_a_day_and_then_cleared() -> None:
    clock = Clock()
    async with open_shop(now=clock) as shop:
        await shop.place()
        clock.later = DAY - 10_000
        assert "idempotent-replayed" in (await shop.place()).headers
        clock.later = DAY + 10_000
        assert "idempotent-replayed" not in (await shop.place()).headers
        (shelf,) = await kept(shop)
        assert len(shelf.requests) == 1


async def test_whoever_was_killed_holds_its_key_for_a_minute() -> None:
    clock = Clock()
    async with open_shop(now=clock) as shop:
        store = shop.stores["gateway"]
        shop.stores["gateway"] = Deaf(store, after=1)
        assert (await shop.place()).status_code == 202
        shop.stores["gateway"] = store
        assert outcome(await shop.place()) == (409, "idempotency_key_in_flight")
        clock.later = LEASE
        assert (await shop.place()).status_code == 202


async def kept(shop: Shop) -> list[Shelf]:
    page = await shop.stores["gateway"].query(shelves.name)
    found = [await shop.edge.collection("gateway", shelves).get(row.key) for row in page.rows]
    return [shelf for shelf, _ in found if shelf]


async def test_what_is_forgotten_makes_room_on_its_shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.idempotency.SHELVES", 1)
    clock = Clock()
    async with open_shop(now=clock) as shop:
        await asyncio.gather(*(shop.place(f"key-{n}") for n in range(5)))
        (shelf,) = await kept(shop)
        assert len(shelf.requests) == 5
        clock.later = DAY + 1_000
        await shop.place("another")
        (shelf,) = await kept(shop)
        assert len(shelf.requests) == 1


class Deaf(MemoryStore):
    """A store that keeps no more than so many writes of documents."""

    def __init__(self, real: MemoryStore, after: int = 0) -> None:
        super().__init__()
        self.real, self.left = real, after

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        if not self.left:
            raise StoreUnavailable("gone")
        return await self.real.read(documents, ids)

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        self.left -= 1
        return await self.real.write(documents, puts)


async def test_without_the_gateway_s_store_orders_are_taken_and_are_one_by_their_id() -> None:
    async with open_shop() as shop:
        shop.stores["gateway"] = Deaf(shop.stores["gateway"])
        first, second = await shop.place(), await shop.place()
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert len({message.message_id for message in shop.weather.seen}) == 1


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, Wait = 10", 10),
        ('wait="7"; foo=bar', 7),
        ("wait=99999", LONGEST),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("await=5", 0),
        ("", 0),
    ],
)
def test_the_seconds_that_a_client_would_wait(prefer: str, seconds: int) -> None:
    assert wait_of(prefer) == seconds


async def prefer_waiting(shop: Shop, seconds: int) -> httpx.Response:
    headers = {"Idempotency-Key": "k", "Prefer": f"wait={seconds}"}
    return await shop.client.post("/api/orders", json=order(), headers=headers)


async def test_whoever_prefers_to_wait_gets_201_and_the_order_once_it_can_be_read(working_shop: Shop) -> None:
    answer = await prefer_waiting(working_shop, 10)
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=10"
    body: dict[str, Any] = answer.json()
    assert (body["userId"], body["total"]) == (str(USER), "74.00")
    assert answer.headers["location"] == f"/api/orders/{body['id']}"


async def test_an_order_that_does_not_appear_in_time_is_202(shop: Shop) -> None:
    async with asyncio.timeout(30):
        answer = await prefer_waiting(shop, 1)
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
