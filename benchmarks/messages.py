"""Orders as messages, as a real publisher would send them.

A message is about 600 bytes in a log: all properties, the headers of every event, a JSON body of about 150 bytes.
"""

import random
import time
from collections.abc import Iterator

from benchmarks.orders import EXCHANGE, TYPE, Order, orders, uuid
from streams.broker import Message, Scalar

LANE = "orders/orders/0@5f0c1d2e"
SENDS_IN_AN_OUTBOX = 2_000
"""How often a lane's floor rises."""


def messages(count: int, *, lanes: bool) -> Iterator[Message]:
    """The first `count` orders, placed now. With `lanes`, numbered as an agent's sends are."""
    now, chance = int(time.time() * 1000), random.Random("messages")
    for number, order in enumerate(orders(count)):
        yield Message(
            exchange=EXCHANGE,
            routing_key=TYPE,
            body=_body(uuid(chance), order),
            message_id=uuid(chance),
            type=TYPE,
            headers=_headers(order, now, chance) | (_lane(number) if lanes else {}),
            correlation_id=uuid(chance),
            timestamp=now // 1000,
            app_id="orders",
        )


def _body(id: str, order: Order) -> bytes:
    text = f'{{"orderId":"{id}","userId":"{order.user}","totalCents":{order.cents},"currency":"EUR","items":3}}'
    return text.encode()


def _headers(order: Order, now: int, chance: random.Random) -> dict[str, Scalar]:
    return {
        "key": order.user,
        "time": now,
        "causation_id": uuid(chance),
        "traceparent": f"00-{chance.getrandbits(128):032x}-{chance.getrandbits(64):016x}-01",
        "schema": 1,
    }


def _lane(number: int) -> dict[str, Scalar]:
    floor = number // SENDS_IN_AN_OUTBOX * SENDS_IN_AN_OUTBOX
    return {"lane": LANE, "seq": number << 16, "floor": floor << 16}
