"""What may be done with orders, when, and by whom."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import msgspec
import pytest

from agents.orders.events import OrderCancel, OrderChangeAddress, OrderDeliver, OrderRefund, OrderShip
from agents.orders.order import Order, Payment, Refund
from agents.orders.statuses import RefundStatus, Status
from streams import Record
from tests.api.auth_scene import AuthShop, open_auth_shop
from tests.api.shop import ADDRESS, Shop
from tests.api.test_auth import problem
from tests.api.test_orders import an_order, keep

BODIES: dict[str, dict[str, Any]] = {
    "ship": {"carrier": "PostNL", "tracking": "3S1"},
    "refunds": {"amount": "4.00", "reason": "broken"},
    "cancel": {"reason": "changed my mind"},
}
PAID = {"payment": Payment(captured=an_order().total)}


async def sent(shop: Shop, record: type[Record]) -> Any:
    """The only command in the saga's log."""
    (message,) = await shop.log("orders.saga")
    assert message["type"] == record.__event__
    return msgspec.json.decode(message["body"], type=record)


async def do(shop: Shop, order: Order, what: str) -> httpx.Response:
    headers = {"Idempotency-Key": "key-1"} if what == "refunds" else {}
    return await shop.client.post(f"/api/orders/{order.id}/{what}", json=BODIES.get(what), headers=headers)


async def test_a_paid_order_is_shipped(shop: Shop) -> None:
    order = an_order()
    await keep(shop, order)
    answer = await do(shop, order, "ship")
    assert (answer.status_code, answer.json()) == (202, {"id": str(order.id), "status": "PAID"})
    assert await sent(shop, OrderShip) == OrderShip(order.id, "somebody", "PostNL", "3S1")


async def test_a_shipped_order_is_delivered(shop: Shop) -> None:
    order = an_order(status=Status.SHIPPED)
    await keep(shop, order)
    assert (await do(shop, order, "deliver")).status_code == 202
    assert await sent(shop, OrderDeliver) == OrderDeliver(order.id, "somebody")


@pytest.mark.parametrize("body", [{"json": {"reason": "changed my mind"}}, {}])
async def test_an_order_is_cancelled_with_a_reason_and_without(shop: Shop, body: dict[str, Any]) -> None:
    order = an_order()
    await keep(shop, order)
    answer = await shop.client.post(f"/api/orders/{order.id}/cancel", **body)
    assert answer.status_code == 202
    assert await sent(shop, OrderCancel) == OrderCancel(order.id, "somebody", body.get("json", {}).get("reason"))


async def test_deleting_an_order_cancels_it(shop: Shop) -> None:
    order = an_order(status=Status.RESERVED)
    await keep(shop, order)
    answer = await shop.client.delete(f"/api/orders/{order.id}")
    assert (answer.status_code, answer.json()["status"]) == (202, "RESERVED")
    assert await sent(shop, OrderCancel) == OrderCancel(order.id, "somebody")


async def test_an_address_is_changed(shop: Shop) -> None:
    order = an_order(status=Status.PENDING)
    await keep(shop, order)
    changed = {"shippingAddress": {**ADDRESS, "city": "Efrafa"}}
    assert (await shop.client.patch(f"/api/orders/{order.id}", json=changed)).status_code == 202
    assert (await sent(shop, OrderChangeAddress)).shipping_address.city == "Efrafa"


async def test_money_is_given_back_once_for_each_key(shop: Shop) -> None:
    order = an_order(**PAID)
    await keep(shop, order)
    answers = [await do(shop, order, "refunds") for _ in range(2)]
    id = uuid5(order.id, "refund/key-1")
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json() == {"id": str(id), "orderId": str(order.id), "status": "PAID"}
    command: OrderRefund = await sent(shop, OrderRefund)
    assert (command.refund_id, str(command.amount), command.reason) == (id, "4.00", "broken")


async def test_a_refund_without_a_key_is_400_and_of_too_much_409(shop: Shop) -> None:
    order = an_order(**PAID)
    await keep(shop, order)
    path = f"/api/orders/{order.id}/refunds"
    assert problem(await shop.client.post(path, json={})) == (400, "idempotency_key_required")
    answer = await shop.client.post(path, json={"amount": "25.01"}, headers={"Idempotency-Key": "k"})
    assert problem(answer) == (409, "too_much")
    for amount in ("0", "-1", "NaN", "1E+400", "0.00001", "0.005", 4.0):
        answer = await shop.client.post(path, json={"amount": amount}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 422, amount


async def test_a_key_that_has_given_back_another_amount_gives_back_nothing_more_and_says_so(shop: Shop) -> None:
    order = an_order(**PAID)
    done = Refund(uuid5(order.id, "refund/k"), Decimal("4.00"), RefundStatus.DONE, "somebody else")
    order.payment.refunds.append(done)
    await keep(shop, order)
    path = f"/api/orders/{order.id}/refunds"
    answer = await shop.client.post(path, json={"amount": "5.00"}, headers={"Idempotency-Key": "k"})
    assert problem(answer) == (422, "idempotency_key_reused")
    assert "4.00 EUR" in answer.json()["detail"]
    answer = await shop.client.post(path, json={"amount": "4.00"}, headers={"Idempotency-Key": "k"})
    assert answer.json()["id"] == str(done.id)


async def test_half_a_yen_cannot_be_given_back(shop: Shop) -> None:
    order = an_order(**PAID, currency="JPY")
    await keep(shop, order)
    path = f"/api/orders/{order.id}/refunds"
    answer = await shop.client.post(path, json={"amount": "4.5"}, headers={"Idempotency-Key": "k"})
    assert problem(answer) == (422, "too_fine")
    answer = await shop.client.post(path, json={"amount": "4.0"}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202


async def test_all_of_it_may_be_wanted_where_some_is_stuck(shop: Shop) -> None:
    stuck = Refund(uuid4(), an_order().total, RefundStatus.STUCK, "somebody")
    order = an_order(status=Status.CANCELLED, payment=Payment(captured=an_order().total, refunds=[stuck]))
    await keep(shop, order)
    path = f"/api/orders/{order.id}/refunds"
    some = await shop.client.post(path, json={"amount": "1.00"}, headers={"Idempotency-Key": "k"})
    assert problem(some) == (409, "wrong_status")
    answer = await shop.client.post(path, json={}, headers={"Idempotency-Key": "l"})
    assert answer.status_code == 202
    assert (await sent(shop, OrderRefund)).amount is None


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (Status.RESERVED, "ship"),
        (Status.PAID, "deliver"),
        (Status.SHIPPED, "cancel"),
        (Status.CANCELLED, "refunds"),
    ],
)
async def test_what_the_status_does_not_allow_is_409(shop: Shop, status: Status, what: str) -> None:
    order = an_order(status=status)
    await keep(shop, order)
    assert problem(await do(shop, order, what)) == (409, "wrong_status")
    assert await shop.log("orders.saga") == []


async def test_the_address_of_an_authorized_order_stays(shop: Shop) -> None:
    order = an_order(status=Status.AUTHORIZED)
    await keep(shop, order)
    answer = await shop.client.patch(f"/api/orders/{order.id}", json={"shippingAddress": ADDRESS})
    assert problem(answer) == (409, "wrong_status")


@pytest.mark.parametrize("what", ["ship", "deliver", "cancel", "refunds"])
async def test_an_order_that_is_not_there_is_404(shop: Shop, what: str) -> None:
    assert problem(await do(shop, an_order(), what)) == (404, "order_not_found")


ALLOWED = {"ship": "warehouse", "deliver": "warehouse", "refunds": "support", "cancel": "support"}


@pytest.mark.parametrize("role", ["customer", "support", "warehouse", "analyst", "admin"])
async def test_each_role_may_do_what_is_its_own(role: str) -> None:
    async with open_auth_shop(auth_required=True) as shop:
        headers = await shop.bearer(role)
        for what, wanted in ALLOWED.items():
            status = Status.SHIPPED if what == "deliver" else Status.PAID
            order = an_order(status=status, user_id=uuid4(), **PAID)
            await keep(shop.shop, order)
            answer = await _do_as(shop, order, what, headers)
            refused = 404 if what == "cancel" else 403
            assert answer.status_code == (202 if role == wanted else refused), what


async def _do_as(shop: AuthShop, order: Order, what: str, headers: dict[str, str]) -> httpx.Response:
    headers = {**headers, "Idempotency-Key": "key-1"}
    return await shop.client.post(f"/api/orders/{order.id}/{what}", json=BODIES.get(what), headers=headers)


async def test_owners_change_and_cancel_their_own_orders_and_no_others() -> None:
    async with open_auth_shop(auth_required=True) as shop:
        headers = await shop.bearer()
        me = UUID((await shop.client.get("/api/users/me", headers=headers)).json()["id"])
        mine, other = (an_order(status=Status.PENDING, user_id=user) for user in (me, uuid4()))
        await keep(shop.shop, mine, other)
        for order, status in ((mine, 202), (other, 404)):
            path = f"/api/orders/{order.id}"
            changed = await shop.client.patch(path, json={"shippingAddress": ADDRESS}, headers=headers)
            assert changed.status_code == status
            assert (await shop.client.delete(path, headers=headers)).status_code == status
        commands = [message["type"] for message in await shop.shop.log("orders.saga")]
        assert commands == ["order.change_address", "order.cancel"]
