"""Who shops in the demo: some are new and sign up, most have been here before."""

from random import Random
from typing import Final
from uuid import UUID

import httpx

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


class Customers:
    """Everybody who has signed up since the demo was started."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._users: list[UUID] = []

    async def next(self, client: httpx.AsyncClient) -> UUID:
        """The user who comes next. Raises httpx.HTTPError where nobody can sign up."""
        new = len(self._users) < MOST and self._random.random() < NEWCOMERS
        if new or not self._users:
            self._users.append(await self._sign_up(client))
            return self._users[-1]
        return self._random.choice(self._users)

    async def _sign_up(self, client: httpx.AsyncClient) -> UUID:
        name = self._random.choice(NAMES)
        secret = f"{self._random.getrandbits(128):032x}"
        body = {
            "email": f"{name.lower()}-{secret[:8]}@shoppers.example",
            "password": secret,  # nobody logs in by it
            "profile": {"firstName": name},
        }
        answer = await client.post("/api/auth/register", json=body)
        return UUID(answer.raise_for_status().json()["id"])
