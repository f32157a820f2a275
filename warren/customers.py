"""Who shops in the demo: some are new and sign up, most have been here before."""

from dataclasses import dataclass
from random import Random
from typing import Final
from uuid import UUID

import httpx

from warren.log_in import LogIn

NAMES: Final = (
    "Bigwig",
    "Blackberry",
    "Clover",
    "Dandelion",
    "Fiver",
    "Hazel",
    "Hyzenthlay",
    "Pipkin",
    "Silver",
    "Vilthuril",
)
NEWCOMERS: Final = 0.2
"""Share of visitors who sign up."""
MOST: Final = 200
"""Accounts; after that the same people come again and again."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who has signed up."""

    id: UUID
    log_in: LogIn


class Customers:
    """Everybody who has signed up since the demo was started."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._known: list[Customer] = []

    async def next(self, client: httpx.AsyncClient) -> Customer:
        """Who comes next. Raises httpx.HTTPError where nobody can sign up."""
        new = len(self._known) < MOST and self._random.random() < NEWCOMERS
        if new or not self._known:
            self._known.append(await self._sign_up(client))
            return self._known[-1]
        return self._random.choice(self._known)

    async def _sign_up(self, client: httpx.AsyncClient) -> Customer:
        name = self._random.choice(NAMES)
        secret = f"{self._random.getrandbits(128):032x}"
        email = f"{name.lower()}-{secret[:8]}@shoppers.example"
        body = {"email": email, "password": secret, "profile": {"firstName": name}}
        answer = await client.post("/api/auth/register", json=body)
        return Customer(UUID(answer.raise_for_status().json()["id"]), LogIn(email, secret))
