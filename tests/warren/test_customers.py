"""Who shops in the demo."""

from random import Random

import httpx
import pytest

from tests.api.auth_scene import open_auth_shop
from warren.customers import MOST, Customers


async def test_some_sign_up_and_most_have_been_here_before() -> None:
    customers = Customers(Random(1))
    async with open_auth_shop() as shop:
        visitors = [await customers.next(shop.client) for _ in range(100)]
        known = await shop.accounts.users(None, 200)
    assert {user.id for user in known} == {visitor.id for visitor in visitors}
    assert 10 <= len(known) <= 30
    assert all(user.profile["first_name"] for user in known)


async def test_there_is_an_end_to_newcomers() -> None:
    ids = iter(range(10_000))

    def signed_up(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"id": f"00000000-0000-0000-0000-{next(ids):012d}"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(signed_up), base_url="http://shop") as client:
        customers = Customers(Random(1))
        visitors = {(await customers.next(client)).id for _ in range(5_000)}
    assert len(visitors) == next(ids) == MOST


async def test_a_shop_that_is_away_is_told() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(503))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        with pytest.raises(httpx.HTTPStatusError):
            await Customers(Random(1)).next(client)
