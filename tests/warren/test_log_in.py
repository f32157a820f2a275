"""Clients that log in where they are asked who they are."""

import asyncio

import httpx
import pytest

from agents.auth.tokens import ACCESS_LIFE
from tests.agents.auth.scene import EMAIL, PASSWORD, Clock
from tests.api.auth_scene import AuthShop, open_auth_shop
from warren.log_in import PATH, LogIn


class Asked(httpx.AsyncBaseTransport):
    """Remembers which paths were asked."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        return await self._transport.handle_async_request(request)


def client_of(shop: AuthShop) -> tuple[httpx.AsyncClient, Asked]:
    asked = Asked(shop.client._transport)
    return httpx.AsyncClient(transport=asked, base_url="http://shop"), asked


async def test_many_requests_at_once_log_in_once_and_again_when_the_token_has_ended() -> None:
    clock, login = Clock(), LogIn(EMAIL, PASSWORD)
    async with open_auth_shop(clock=clock) as shop:
        await shop.register()
        client, asked = client_of(shop)
        answers = await asyncio.gather(*(client.get("/api/users/me", auth=login) for _ in range(10)))
        assert {answer.status_code for answer in answers} == {200}
        assert asked.paths.count(PATH) == 1
        clock.forward(ACCESS_LIFE * 1000)
        assert (await client.get("/api/users/me", auth=login)).status_code == 200
        assert asked.paths.count(PATH) == 2


async def test_who_is_not_let_in_gets_the_refusal() -> None:
    async with open_auth_shop() as shop:
        client, asked = client_of(shop)
        assert (await client.get("/api/users/me", auth=LogIn(EMAIL, "a guess"))).status_code == 401
        assert asked.paths == ["/api/users/me", PATH]


@pytest.mark.parametrize("path", ["/api/products", "/api/orders"])
async def test_where_nobody_is_asked_nobody_logs_in(path: str) -> None:
    async with open_auth_shop() as shop:
        client, asked = client_of(shop)
        assert (await client.get(path, auth=LogIn(EMAIL, PASSWORD))).status_code == 200
        assert asked.paths == [path]
