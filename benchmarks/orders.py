"""The events: orders placed by many users, as a real publisher would send them.

Orders are numbered and follow from their number alone, so that whoever checks a result needs no copy of the events. A
message is about 600 bytes in a log: all properties, the headers of every event, a JSON body of about 150 bytes.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from streams.broker import Message, Scalar

USERS = 20_000
EXCHANGE = "order.events"
TYPE = "order.created"
LANE = "orders/orders/0@5f0c1d2e"
SENDS_IN_AN_OUTBOX = 2_000
"""How often a lane's floor rises."""


class Order(NamedTuple):
    """What counts of an order."""

    user: str
    cents: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What is to come out: orders and cents by user."""

    orders: dict[str, int]
    cents: dict[str, int]

    @classmethod
    def of(cls, count: int) -> "Totals":
        """The totals of the first `count` orders."""
        totals = cls({}, {})
        for user, cents in orders(count):
            totals.orders[user] = totals.orders.get(user, 0) + 1
            totals.cents[user] = totals.cents.get(user, 0) + cents
        return totals


def orders(count: int) -> Iterator[Order]:
    """The first `count` orders."""
    users = [_uuid(random.Random(number)) for number in range(USERS)]
    chance = random.Random("orders")
    for _ in range(count):
        yield Order(users[int(chance.random() * USERS)], 100 + int(chance.random() * 99_900))


def messages(count: int, now: int, *, lanes: bool) -> Iterator[Message]:
    """The first `count` orders as messages; `now` is ms since 1970. With `lanes`, numbered as an agent's sends are."""
    chance = random.Random("messages")
    for number, order in enumerate(orders(count)):
        yield Message(
            exchange=EXCHANGE,
            routing_key=TYPE,
            body=_body(_uuid(chance), order),
            message_id=_uuid(chance),
            type=TYPE,
            headers=_headers(order, number, now, chance, lanes),
            correlation_id=_uuid(chance),
            timestamp=now // 1000,
            app_id="orders",
        )


def _body(id: str, order: Order) -> bytes:
    text = f'{{"orderId":"{id}","userId":"{order.user}","totalCents":{order.cents},"currency":"EUR","items":3}}'
    return text.encode()


def _headers(order: Order, number: int, now: int, chance: random.Random, lanes: bool) -> dict[str, Scalar]:
    headers: dict[str, Scalar] = {
        "key": order.user,
        "time": now,
        "causation_id": _uuid(chance),
        "traceparent": f"00-{chance.getrandbits(128):032x}-{chance.getrandbits(64):016x}-01",
        "schema": 1,
    }
    if lanes:
        floor = number // SENDS_IN_AN_OUTBOX * SENDS_IN_AN_OUTBOX
        headers |= {"lane": LANE, "seq": number << 16, "floor": floor << 16}
    return headers


def _uuid(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
