"""A limit on guessing passwords: so many tries for one account from one place, in any stretch of time."""

from typing import Final

from starlette.requests import Request

from api.addresses import place_of
from api.rates import Rate, Rates

TRIES: Final = Rate("login", 10, 300)


class Guesses:
    """The tries of late. One that succeeds makes those before it forgotten."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    async def count(self, request: Request, account: str) -> None:
        """Count one more try for an account. Raises Problem (429) where there were too many."""
        await self._rates.require(TRIES, _key(request, account), "too_many_tries")

    async def forget(self, request: Request, account: str) -> None:
        """The account's owner was there."""
        await self._rates.forget(TRIES, _key(request, account))


def address_of(request: Request) -> str:
    """The address that a request comes from; "" where there is none."""
    return request.client.host if request.client else ""


def _key(request: Request, account: str) -> str:
    return f"{place_of(address_of(request))} {account.strip().lower()}"
