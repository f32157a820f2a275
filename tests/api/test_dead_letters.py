"""Dead letters over HTTP."""

from datetime import UTC, datetime
from typing import Any

from agents.deadletters.desk import Desk, Filter
from agents.deadletters.tables import Letter, letters
from stores.port import Commit, Slot
from streams.codec import encode
from streams.embedded import Fate
from tests.api.auth_scene import open_auth_shop
from tests.api.shop import Shop
from tests.api.test_auth import problem

DIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PATH = "/api/dead-letters"
BODY = b'{"orderId":"1","paymentToken":"tok_secret"}'


def letter(id: str, **changes: Any) -> Letter:
    usual: dict[str, Any] = {
        "id": id,
        "service": "orders",
        "agent": "orders",
        "source": "orders.saga",
        "offset": 3,
        "event_id": f"event-{id}",
        "type": "order.place",
        "kind": "ValueError",
        "error": "ValueError: thirteen",
        "traceback": "Traceback …",
        "attempts": 3,
        "died_at": DIED,
        "death": "@1",
        "letter_body": BODY,
        "headers": {"key": "a"},
        "correlation_id": "c",
        "timestamp": None,
        "app_id": "gateway",
        "user": "gateway",
    }
    return Letter(**{**usual, **changes})


async def keep(shop: Shop, *kept: Letter) -> None:
    store = shop.stores["shared"]
    checkpoint = await store.acquire(Slot("letters"), "test", 60)
    assert checkpoint is not None
    rows = {letters.name: [(one.id, encode(one)) for one in kept]}
    await store.commit(Commit(checkpoint.slot, checkpoint.epoch, 1, b"", b"", 0, rows=rows))


async def test_letters_are_listed_by_what_is_asked_for_and_shown_without_secrets(shop: Shop) -> None:
    await keep(shop, letter("aa"), letter("bb", kind="KeyError"), letter("cc", agent="", source="payments.commands"))
    listed = (await shop.client.get(PATH)).json()["items"]
    assert [one["id"] for one in listed] == ["aa", "bb", "cc"]
    assert [one["agent"] for one in listed] == ["orders/orders", "orders/orders", "broker"]
    for query, found in {
        "kind=KeyError": ["bb"],
        "source=payments.commands": ["cc"],
        "agent=orders": ["aa", "bb"],
    }.items():
        assert [one["id"] for one in (await shop.client.get(f"{PATH}?{query}")).json()["items"]] == found
    first = (await shop.client.get(f"{PATH}?limit=2")).json()
    rest = (await shop.client.get(PATH, params={"cursor": first["nextCursor"]})).json()
    assert ([one["id"] for one in rest["items"]], rest["nextCursor"]) == (["cc"], None)
    whole = (await shop.client.get(f"{PATH}/aa")).json()
    assert whole["body"] == {"orderId": "1", "paymentToken": "***"}
    assert (whole["state"], whole["traceback"], whole["trail"]) == ("open", "Traceback …", [])
    assert problem(await shop.client.get(f"{PATH}/ab")) == (404, "letter_not_found")


async def test_one_that_is_discarded_is_closed_and_says_why(shop: Shop) -> None:
    await keep(shop, letter("aa"))
    answer = await shop.client.post(f"{PATH}/aa/discard", json={"why": "test data"})
    assert (answer.status_code, answer.json()["state"]) == (200, "discarded")
    assert (await shop.client.get(PATH)).json()["items"] == []
    assert len((await shop.client.get(f"{PATH}?closed=true")).json()["items"]) == 1
    (action,) = (await shop.client.get(f"{PATH}/aa")).json()["trail"]
    assert (action["did"], action["by"], action["why"], action["done"]) == ("discard", "somebody", "test data", True)


async def test_one_that_is_replayed_goes_to_its_agent_alone(shop: Shop) -> None:
    await keep(shop, letter("aa"))
    answer = await shop.client.post(f"{PATH}/aa/replay")
    assert (answer.status_code, answer.json()["state"]) == (200, "replayed")
    (message,) = await shop.log("orders.saga")
    assert (message["id"], message["body"]) == ("event-aa", BODY)
    assert "orders/orders" in str(message["headers"]["only"])


async def test_what_cannot_be_replayed_says_why(shop: Shop) -> None:
    await keep(shop, letter("aa", agent="forward:orders.saga"), letter("bb"))
    assert problem(await shop.client.post(f"{PATH}/aa/replay")) == (409, "not_replayable")
    shop.weather.always = Fate.REFUSED
    assert problem(await shop.client.post(f"{PATH}/bb/replay")) == (503, "broker_unavailable")
    desk = Desk(shop.stores["shared"], by="ann", now=lambda: DIED)
    assert {case.letter.id: case.state async for case in desk.cases(Filter())} == {"aa": "open", "bb": "under way"}


async def test_they_are_for_administrators() -> None:
    async with open_auth_shop(auth_required=True) as shop:
        assert (await shop.client.get(PATH)).status_code == 401
        analyst = await shop.bearer("analyst", email="a@downs.example")
        assert (await shop.client.get(PATH, headers=analyst)).status_code == 403
        admin = await shop.bearer("admin", email="b@downs.example")
        assert (await shop.client.get(PATH, headers=admin)).status_code == 200
