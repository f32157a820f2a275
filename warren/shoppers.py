"""Simulated shoppers: they order over HTTP, as anybody would."""

import asyncio
from collections.abc import Sequence
from random import Random
from uuid import UUID

import httpx
import structlog

from agents.inventory.events import Product

log = structlog.get_logger("warren.shoppers")

TOKENS = ("tok_ok",) * 8 + ("tok_decline", "tok_flaky")
"""How shoppers pay: most cards work, some are declined, some answer at the third try."""
CITIES = (("Amsterdam", "1012 AB", "NL"), ("Gent", "9000", "BE"), ("Köln", "50667", "DE"), ("Lyon", "69001", "FR"))


class Shoppers:
    """Keep ordering some of these products until they are cancelled. A server that is away for a while makes them
    wait."""

    def __init__(self, url: str, random: Random, products: Sequence[Product], *, per_second: float = 2.0) -> None:
        self._url = url
        self._random = random
        self._products = products
        self._pause = 1 / per_second
        self._users = [UUID(int=random.getrandbits(128), version=4) for _ in range(20)]

    async def run(self) -> None:
        """One order after another."""
        async with httpx.AsyncClient(base_url=self._url, timeout=10) as client:
            while True:
                await self._order(client)
                await asyncio.sleep(self._random.expovariate(1 / self._pause))

    async def _order(self, client: httpx.AsyncClient) -> None:
        key = str(UUID(int=self._random.getrandbits(128), version=4))
        try:
            answer = await client.post("/api/orders", json=self._cart(), headers={"Idempotency-Key": key})
        except httpx.HTTPError as error:
            log.warning("a shopper was not served", reason=str(error))
            return
        if answer.is_error:
            log.warning("a shopper was refused", status=answer.status_code, problem=answer.text[:200])

    def _cart(self) -> dict[str, object]:
        choose = self._random
        currency = choose.choice(self._products).currency
        offered = [product for product in self._products if product.currency == currency]
        chosen = choose.sample(offered, k=min(len(offered), choose.randint(1, 3)))
        city, postal_code, country = choose.choice(CITIES)
        return {
            "userId": str(choose.choice(self._users)),
            "items": [{"productId": str(product.id), "quantity": choose.randint(1, 3)} for product in chosen],
            "currency": currency,
            "paymentToken": choose.choice(TOKENS),
            "shippingAddress": {
                "name": "A shopper",
                "line1": f"{choose.randint(1, 200)} High Street",
                "city": city,
                "postalCode": postal_code,
                "country": country,
            },
        }
