"""The events of the benchmarks."""

from statistics import mean

from benchmarks.messages import SENDS_IN_AN_OUTBOX, messages
from benchmarks.orders import USERS, orders


def test_orders_follow_from_their_number() -> None:
    assert list(orders(50)) == list(orders(100))[:50]


def test_orders_are_spread_over_all_users() -> None:
    assert len({order.user for order in orders(10 * USERS)}) > 0.99 * USERS


def test_a_message_carries_its_order() -> None:
    for order, message in zip(orders(20), messages(20, lanes=False), strict=True):
        assert message.headers["key"] == order.user
        assert f'"totalCents":{order.cents},'.encode() in message.body


def test_bodies_are_of_the_size_that_the_documentation_says() -> None:
    assert 130 <= mean(len(message.body) for message in messages(100, lanes=False)) <= 170


def test_ids_are_unique() -> None:
    assert len({message.message_id for message in messages(5_000, lanes=True)}) == 5_000


def test_sends_of_a_lane_are_numbered_from_the_floor_of_their_outbox_on() -> None:
    headers = [message.headers for message in messages(3 * SENDS_IN_AN_OUTBOX, lanes=True)]
    numbers = [(int(header["seq"]), int(header["floor"])) for header in headers]
    assert sorted(numbers) == numbers
    assert all(floor <= seq for seq, floor in numbers)
    assert len({floor for _, floor in numbers}) == 3
