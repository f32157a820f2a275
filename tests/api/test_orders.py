"""Placing orders and reading them."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4, uuid5

import msgspec
import pytest

from agents.inventory.tables import Offer
from agents.orders.events import Address, Line, OrderPlace
from agents.orders.order import Order, Step
from agents.orders.statuses import PaymentStatus, Status
from agents.payments.seal import seal
from api.order_bodies import PlaceOrder
from api.placing import command_of
from api.problems import Problem
from stores.port import Commit, Slot
from streams.codec import encode
from streams.embedded import Fate
from tests.api.shop import ADDRESS, BASKET, BOOTS, USER, Shop, open_shop, order
from topology.load import load_shop
from topology.spec import Topology

_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_ADDRESS = Address("Hazel", "1 Burrow", "Downs", "W1", "GB")


async def keep(shop: Shop, *kept: Order) -> None:
    """Put orders into the table as the agent would."""
    store = shop.stores["orders"]
    checkpoint = await store.acquire(Slot("orders"), "test", 60)
    assert checkpoint is not None
    rows = {"orders": [(str(one.id), encode(one)) for one in kept]}
    await store.commit(Commit(checkpoint.slot, checkpoint.epoch, 1, b"", b"", 0, rows=rows))


def an_order(**changes: Any) -> Order:
    return msgspec.structs.replace(
        Order(
            id=uuid4(),
            user_id=USER,
            items=[Line(UUID(BASKET), 2, Decimal("12.50"))],
            total=Decimal("25.00"),
            currency="EUR",
            status=Status.PAID,
            payment_status=PaymentStatus.CAPTURED,
            shipping_address=_ADDRESS,
            created_at=_AT,
            updated_at=_AT,
            version=2,
            history=[Step(Status.PENDING, _AT, "user", "placed"), Step(Status.PAID, _AT, "payments", "captured")],
        ),
        **changes,
    )


async def test_an_accepted_order_is_a_command_in_the_sagas_log_at_the_catalogs_prices(shop: Shop) -> None:
    answer = await shop.place(items=[{"productId": BASKET, "quantity": 3, "price": "0.01"}])
    assert answer.status_code == 202
    order_id = uuid5(USER, "key-1")
    assert answer.json() == {"id": str(order_id), "status": "PENDING"}
    assert answer.headers["location"] == f"/api/orders/{order_id}"
    (message,) = await shop.log("orders.saga")
    assert (message["type"], message["key"]) == ("order.place", str(order_id))
    command = msgspec.json.decode(message["body"], type=OrderPlace)
    assert command.items == [Line(UUID(BASKET), 3, Decimal("12.50"))]
    assert (command.user_id, seal.open(command.payment_token, order_id)) == (USER, "tok_visa")
    assert b"tok_visa" not in message["body"], "it is sealed"


async def test_the_same_key_is_the_same_message_and_another_users_key_is_not() -> None:
    async with open_shop() as shop:
        del shop.stores["gateway"]  # without records, the ids alone tell
        await shop.place()
        await shop.place()
        await shop.place(userId=str(uuid4()))
        ids = [message["id"] for message in await shop.log("orders.saga")]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("key", [None, "", "a" * 256, "with space", "ü"])
async def test_a_missing_or_impossible_idempotency_key_is_400(shop: Shop, key: str | None) -> None:
    headers = [] if key is None else [(b"Idempotency-Key", key.encode())]
    answer = await shop.client.post("/api/orders", json=order(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


async def test_a_key_used_again_for_another_order_is_422_once_the_first_can_be_read(shop: Shop) -> None:
    existing = an_order(id=uuid5(USER, "key-1"))
    await keep(shop, existing)
    assert (await shop.place(items=[{"productId": BASKET, "quantity": 2}])).status_code == 202
    other = await shop.place(items=[{"productId": BASKET, "quantity": 5}])
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert shop.weather.seen == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"items": [{"productId": str(uuid4()), "quantity": 1}]}, "unknown_product"),
        ({"items": [{"productId": BOOTS, "quantity": 1}]}, "other_currency"),
        ({"currency": "USD"}, "other_currency"),
        ({"items": []}, "invalid_request"),
        ({"items": [{"productId": BASKET, "quantity": 1}] * 101}, "invalid_request"),
        ({"items": [{"productId": BASKET, "quantity": 0}]}, "invalid_request"),
        ({"items": [{"productId": BASKET, "quantity": 1_001}]}, "invalid_request"),
        ({"items": [{"productId": BASKET, "quantity": "2"}]}, "invalid_request"),
        ({"items": [{"productId": BASKET, "quantity": 1.5}]}, "invalid_request"),
        ({"items": [{"productId": BASKET, "quantity": True}]}, "invalid_request"),
        ({"currency": "eur"}, "invalid_request"),
        ({"userId": "me"}, "invalid_request"),
        ({"paymentToken": ""}, "invalid_request"),
        ({"paymentToken": "tok\u0000"}, "invalid_request"),
        *(({"shippingAddress": ADDRESS | {"line1": f"1{end}2"}}, "invalid_request") for end in "\n\x85\u2028\u2029"),
        ({"shippingAddress": {"name": "Hazel"}}, "invalid_request"),
    ],
)
async def test_an_order_that_cannot_be_is_422_and_not_published(shop: Shop, changes: dict[str, Any], code: str) -> None:
    answer = await shop.place(**changes)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert shop.weather.seen == []


def test_an_order_of_more_than_the_saga_takes_is_refused_at_the_door() -> None:
    dear = Offer(UUID(BASKET), "a castle", Decimal(10**6), "EUR")
    request = PlaceOrder.model_validate(order(items=[{"productId": BASKET, "quantity": 1_000}]))
    with pytest.raises(Problem, match="below 1,000,000,000"):
        command_of(request, uuid4(), {dear.id: dear})


async def test_faults_of_a_body_are_listed_with_their_places_and_without_their_values(shop: Shop) -> None:
    answer = await shop.place(paymentToken="tok_4242\u0007", currency="euros")
    errors = {(error["in"], error["field"]) for error in answer.json()["errors"]}
    assert errors == {("body", "currency"), ("body", "paymentToken")}
    assert "tok_4242" not in answer.text


async def test_an_order_reads_as_documented_and_its_history_apart(shop: Shop) -> None:
    kept = an_order()
    await keep(shop, kept)
    answer = await shop.client.get(f"/api/orders/{kept.id}")
    assert answer.json() == {
        "id": str(kept.id),
        "userId": str(USER),
        "items": [{"productId": BASKET, "quantity": 2, "price": "12.50"}],
        "total": "25.00",
        "currency": "EUR",
        "status": "PAID",
        "paymentStatus": "CAPTURED",
        "shippingAddress": {
            "name": "Hazel",
            "line1": "1 Burrow",
            "line2": None,
            "city": "Downs",
            "region": None,
            "postalCode": "W1",
            "country": "GB",
        },
        "createdAt": "2026-01-02T03:04:05Z",
        "updatedAt": "2026-01-02T03:04:05Z",
        "version": 2,
    }
    history = await shop.client.get(f"/api/orders/{kept.id}/history")
    assert history.json()["items"][0] == {
        "status": "PENDING",
        "at": "2026-01-02T03:04:05Z",
        "by": "user",
        "why": "placed",
    }


async def test_orders_are_listed_by_user_and_status_page_by_page(shop: Shop) -> None:
    mine = [an_order() for _ in range(5)]
    await keep(shop, *mine, an_order(user_id=uuid4()), an_order(status=Status.PENDING))
    wanted = {"userId": str(USER), "status": "PAID", "limit": "2"}
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await shop.client.get("/api/orders", params={**wanted, **({"cursor": cursor} if cursor else {})})
        found += [one["id"] for one in page.json()["items"]]
        cursor = page.json()["nextCursor"]
        if cursor is None:
            break
    assert found == sorted(str(one.id) for one in mine)


async def test_what_is_not_there_is_404(shop: Shop) -> None:
    for path in (f"/api/orders/{uuid4()}", f"/api/orders/{uuid4()}/history"):
        answer = await shop.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")


async def test_a_lost_publish_is_tried_again_under_the_same_id(shop: Shop) -> None:
    shop.weather.fates = [Fate.LOST, Fate.UNCONFIRMED]
    assert (await shop.place()).status_code == 202
    assert len({message.message_id for message in shop.weather.seen}) == 1
    assert {message["id"] for message in await shop.log("orders.saga")} == {shop.weather.seen[0].message_id}


@pytest.mark.parametrize(("fate", "code"), [(Fate.LOST, "broker_unavailable"), (Fate.REFUSED, "broker_refused")])
async def test_while_the_broker_fails_it_is_503_and_afterwards_the_same_order(
    impatient_shop: Shop, fate: Fate, code: str
) -> None:
    impatient_shop.weather.always = fate
    answer = await impatient_shop.place()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, code, "5")
    impatient_shop.weather.always = Fate.KEPT
    assert (await impatient_shop.place()).status_code == 202
    assert len(await impatient_shop.log("orders.saga")) == 1


async def test_an_outage_of_the_broker_is_503_within_patience(impatient_shop: Shop) -> None:
    impatient_shop.embedded.go_down()
    async with asyncio.timeout(30):
        answer = await impatient_shop.place()
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    impatient_shop.embedded.come_back()
    assert (await impatient_shop.place()).status_code == 202


async def test_orders_are_taken_while_their_store_is_away() -> None:
    async with open_shop() as shop:
        del shop.stores["orders"]
        assert (await shop.place()).status_code == 202
        answer = await shop.client.get("/api/orders")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_served")


async def test_where_nobody_runs_the_saga_an_order_is_422_though_unrouted_takes_it() -> None:
    services = tuple(service for service in load_shop().services if service.name != "orders")
    async with open_shop(topology=Topology(services)) as shop:
        answer = await shop.place()
    assert (answer.status_code, answer.json()["code"]) == (422, "unroutable")


async def test_request_id_and_trace_travel_with_the_command(shop: Shop) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"Idempotency-Key": "k", "X-Request-ID": "req-7", "traceparent": parent, "tracestate": "a=b"}
    await shop.client.post("/api/orders", json=order(), headers=headers)
    (message,) = await shop.log("orders.saga")
    assert message["correlation"] == "req-7"
    assert (message["headers"]["traceparent"], message["headers"]["tracestate"]) == (parent, "a=b")


async def test_impossible_request_ids_and_traces_do_not_travel(shop: Shop) -> None:
    headers = {"Idempotency-Key": "k", "X-Request-ID": "a" * 65, "traceparent": f"00-{'0' * 32}-{'1' * 16}-01"}
    answer = await shop.client.post("/api/orders", json=order(), headers=headers)
    (message,) = await shop.log("orders.saga")
    assert message["correlation"] == answer.headers["x-request-id"] == str(UUID(answer.headers["x-request-id"]))
    assert "traceparent" not in message["headers"]
