"""A shop with accounts, for tests of the edge."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from agents.auth.accounts import Accounts
from agents.auth.database import Database, open_database
from agents.auth.events import Profile
from agents.auth.schema import migrate
from agents.auth.users import NewUser
from tests.agents.auth.scene import EMAIL, PASSWORD, fast_passwords
from tests.api.shop import Shop, now, open_shop

ADMIN = "threarah@downs.example"


@dataclass(frozen=True)
class AuthShop:
    """A shop, and the accounts that its edge serves."""

    shop: Shop
    accounts: Accounts
    database: Database

    @property
    def client(self) -> httpx.AsyncClient:
        return self.shop.client

    async def register(self, email: str = EMAIL, **more: Any) -> httpx.Response:
        body = {"email": email, "password": PASSWORD, **more}
        return await self.client.post("/api/auth/register", json=body)

    async def login(self, email: str = EMAIL, password: str = PASSWORD) -> httpx.Response:
        return await self.client.post("/api/auth/login", json={"email": email, "password": password})

    async def refresh(self, token: str) -> httpx.Response:
        return await self.client.post("/api/auth/refresh", json={"refreshToken": token})

    async def bearer(self, *roles: str, email: str = EMAIL) -> dict[str, str]:
        """The header of somebody with these roles, who is registered with them unless they are already."""
        if not await self.accounts.users(None, 1, email):
            await self.accounts.register(NewUser(email, PASSWORD, Profile(), _roles(roles)))
        return header((await self.login(email)).json()["accessToken"])


def _roles(roles: Sequence[str]) -> list[str]:
    return list(roles) or ["customer"]


def header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def open_auth_shop(
    *, work: bool = False, clock: Callable[[], int] = now, **changes: Any
) -> AsyncIterator[AuthShop]:
    """A shop with accounts in memory, by a clock of their own; the rest is as `open_shop`."""
    database = open_database("memory:")
    await migrate(database)
    accounts = Accounts(database, fast_passwords(), now=clock, chance=Random(1))
    try:
        async with open_shop(work=work, opened_accounts=accounts, **changes) as shop:
            yield AuthShop(shop, accounts, database)
    finally:
        await accounts.close()
