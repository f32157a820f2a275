"""What browsers and other clients may rely on: CORS, HEAD, and being told of parameters that nobody knows."""

import pytest

from api.gateway import Gateway
from tests.api.shop import Shop, open_shop

ORIGIN = "https://shop.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}


async def test_pages_of_origins_that_are_named_may_call() -> None:
    async with open_shop(gateway=Gateway(origins=(ORIGIN,))) as shop:
        asked = await shop.client.options("/api/orders", headers={"Origin": ORIGIN, **PREFLIGHT})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, ORIGIN)
        assert "idempotency-key" in asked.headers["access-control-allow-headers"].lower()
        answer = await shop.client.get("/api/products", headers={"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers


async def test_pages_of_other_origins_may_not() -> None:
    async with open_shop(gateway=Gateway(origins=(ORIGIN,))) as shop:
        for origin in ("https://evil.example", f"{ORIGIN}.evil.example", "null"):
            asked = await shop.client.options("/api/orders", headers={"Origin": origin, **PREFLIGHT})
            assert asked.status_code == 400
            answer = await shop.client.get("/api/products", headers={"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers


async def test_failures_can_be_read_by_pages_too() -> None:
    gateway = Gateway(origins=(ORIGIN,), requests_per_minute=1)
    async with open_shop(gateway=gateway) as shop:
        answers = [await shop.client.get("/api/products", headers={"Origin": ORIGIN}) for _ in range(2)]
    assert answers[1].status_code == 429
    assert answers[1].headers["access-control-allow-origin"] == ORIGIN


async def test_without_settings_no_page_of_another_origin_may_call(shop: Shop) -> None:
    answer = await shop.client.options("/api/orders", headers={"Origin": ORIGIN, **PREFLIGHT})
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/api/products", "/healthz", "/dashboard", "/metrics", "/api/orders/5f0c2c39-6f0e-4d8c-9d7f-2c9b1b1f0a01"]
)
async def test_head_is_answered_as_get_without_a_body(shop: Shop, path: str) -> None:
    get, head = await shop.client.get(path), await shop.client.head(path)
    assert head.status_code == get.status_code
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.content == b""


async def test_head_of_what_cannot_be_got_is_405(shop: Shop) -> None:
    assert (await shop.client.head("/api/auth/login")).status_code == 405


async def test_a_parameter_that_nobody_knows_is_422_and_says_which_was_meant(shop: Shop) -> None:
    answer = await shop.client.get("/api/orders?stauts=PAID&limit=1")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    (error,) = answer.json()["errors"]
    assert (error["in"], error["field"]) == ("query", "stauts")
    assert "did you mean 'status'?" in error["message"]


async def test_pages_and_probes_take_any_parameter(shop: Shop) -> None:
    for path in ("/api/products?x=1", "/api/products/x?y=1"):
        assert (await shop.client.get(path)).status_code == 422
    assert (await shop.client.get("/dashboard?utm_source=mail")).status_code == 200
