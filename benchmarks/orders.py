"""The events: orders placed by many users.

Orders follow from their number alone, so that whoever checks a result needs no copy of the events.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

USERS = 20_000
EXCHANGE = "order.events"
TYPE = "order.created"


class Order(NamedTuple):
    """What counts of an order."""

    user: str
    cents: int


def orders(count: int) -> Iterator[Order]:
    """The first `count` orders."""
    users = [uuid(random.Random(number)) for number in range(USERS)]
    chance = random.Random("orders")
    for _ in range(count):
        yield Order(users[int(chance.random() * USERS)], 100 + int(chance.random() * 99_900))


def uuid(chance: random.Random) -> str:
    """128 random bits, written as a UUID."""
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
