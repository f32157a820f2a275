"""A limit on guessing passwords: so many tries for one account from one place, in any stretch of time."""

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from starlette.requests import Request

from api.problems import Problem

MOST: Final = 10
"""Tries."""
WITHIN: Final = 300_000
"""Milliseconds."""
PLACES: Final = 20_000
"""Remembered at once; each try costs a password hash, so that nobody makes them forgotten quickly."""

Place = tuple[str, str]
"""Where the tries come from, and the account that they are for."""


class Guesses:
    """The tries of late, of this process. One that succeeds makes those before it forgotten."""

    def __init__(self, now: Callable[[], int]) -> None:
        """`now` gives ms since 1970 UTC."""
        self._now = now
        self._tries: OrderedDict[Place, deque[int]] = OrderedDict()

    def count(self, place: Place) -> None:
        """Count one more try. Raises Problem (429) where there were too many."""
        now, tries = self._now(), self._tries.setdefault(place, deque())
        self._tries.move_to_end(place)
        while tries and tries[0] <= now - WITHIN:
            tries.popleft()
        if len(tries) >= MOST:
            seconds = -((now - WITHIN - tries[0]) // 1000)
            detail = f"{MOST} tries were wrong: wait {seconds} seconds"
            raise Problem(429, "too_many_tries", detail, headers={"Retry-After": str(seconds)})
        tries.append(now)
        if len(self._tries) > PLACES:
            self._tries.popitem(last=False)

    def forget(self, place: Place) -> None:
        """The account's owner was there."""
        self._tries.pop(place, None)


def place_of(request: Request, account: str) -> Place:
    """Where a request comes from: its address, of IPv6 the network of 64 bits that one customer has."""
    return network_of(address_of(request)), account.strip().lower()


def address_of(request: Request) -> str:
    """The address that a request comes from; "" where there is none."""
    return request.client.host if request.client else ""


def network_of(address: str) -> str:
    """What counts as one place."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
