"""The shop with WARREN_AUTH=required: who may do what; and without it: everything goes on as it did."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from agents.auth.roles import GIVEN
from tests.api.auth_scene import AuthShop, open_auth_shop
from tests.api.shop import order, until
from tests.api.split_scene import open_split
from tests.api.test_auth import problem

GUARDED: dict[str, set[str]] = {
    "/api/analytics/realtime": {"analyst", "admin"},
    "/api/analytics/orders": {"analyst", "admin"},
    "/api/analytics/revenue": {"analyst", "admin"},
    "/api/analytics/funnel": {"analyst", "admin"},
    "/api/analytics/cohorts": {"analyst", "admin"},
    "/api/analytics/products": {"analyst", "admin"},
    "/api/tables": {"analyst", "admin"},
    "/api/tables/orders": {"analyst", "admin"},
    "/api/orders": {*GIVEN},
    "/api/notifications": {*GIVEN},
    "/api/products": {*GIVEN},
}
EVENT = {"data": {"sessionId": "s"}}
ACTIVITY = "/api/events/user.events/user.activity.product_viewed"


@pytest.mark.parametrize("role", sorted(GIVEN))
async def test_the_role_matrix_holds_for_every_read(guarded_shop: AuthShop, role: str) -> None:
    headers = await guarded_shop.bearer(role)
    for path, roles in GUARDED.items():
        answer = await guarded_shop.client.get(path, headers=headers)
        assert answer.status_code == (200 if role in roles else 403), path


@pytest.mark.parametrize("role", sorted(GIVEN))
async def test_events_are_published_by_those_with_the_scope(guarded_shop: AuthShop, role: str) -> None:
    answer = await guarded_shop.client.post(ACTIVITY, json=EVENT, headers=await guarded_shop.bearer(role))
    assert answer.status_code == (202 if role == "admin" else 403)


async def test_without_a_token_only_what_is_for_anyone_is_served(guarded_shop: AuthShop) -> None:
    for path in GUARDED:
        answer = await guarded_shop.client.get(path)
        assert answer.status_code == (200 if path == "/api/products" else 401), path
    assert problem(await guarded_shop.shop.place()) == (401, "token_required")
    assert (await guarded_shop.client.post(ACTIVITY, json=EVENT)).status_code == 401
    assert guarded_shop.shop.weather.seen == []


@asynccontextmanager
async def working(kind: str) -> AsyncIterator[AuthShop]:
    """A guarded shop whose agents run: served by one process, or in parts."""
    if kind == "split":
        async with open_split(work=True) as split:
            yield split.shop
    else:
        async with open_auth_shop(work=True, auth_required=True) as shop:
            yield shop


@pytest.mark.parametrize("kind", ["whole", "split"])
async def test_another_user_s_order_is_404_and_support_sees_it(kind: str) -> None:
    async with working(kind) as shop:
        hazel = await shop.bearer()
        id = (await shop.client.get("/api/users/me", headers=hazel)).json()["id"]
        body, key = order(userId=id), {"Idempotency-Key": "one"}
        placed = await shop.client.post("/api/orders", json=body, headers={**hazel, **key})
        path = placed.headers["location"]

        async def there() -> bool | None:
            return (await shop.client.get(path, headers=hazel)).status_code == 200 or None

        await until(there)
        bigwig = await shop.bearer(email="bigwig@downs.example")
        for own_path in (path, f"{path}/history"):
            assert problem(await shop.client.get(own_path, headers=bigwig)) == (404, "order_not_found")
            support = await shop.bearer("support", email="support@downs.example")
            assert (await shop.client.get(own_path, headers=support)).status_code == 200
        assert (await shop.client.get("/api/orders", headers=bigwig)).json()["items"] == []
        assert len((await shop.client.get("/api/orders", headers=hazel)).json()["items"]) == 1
        answer = await shop.client.get(f"/api/orders?userId={id}", headers=bigwig)
        assert problem(answer) == (403, "not_your_own")
        answer = await shop.client.post("/api/orders", json=body, headers={**bigwig, "Idempotency-Key": "two"})
        assert problem(answer) == (403, "not_your_own")


async def test_notifications_are_the_recipient_s_and_the_administrators(guarded_shop: AuthShop) -> None:
    somebody = f"/api/notifications?recipient={UUID(int=7)}"
    admin = await guarded_shop.bearer("admin", email="admin@downs.example")
    assert problem(await guarded_shop.client.get(somebody, headers=await guarded_shop.bearer())) == (
        403,
        "not_your_own",
    )
    assert (await guarded_shop.client.get(somebody, headers=admin)).status_code == 200


async def test_without_the_setting_nothing_else_asks(auth_shop: AuthShop) -> None:
    for path in GUARDED:
        assert (await auth_shop.client.get(path)).status_code == 200, path
    assert (await auth_shop.shop.place()).status_code == 202
