"""What the edge learns from apps."""

import pytest

from agents.registry import load
from api.declared import documents_of, records_of, tables_of
from streams import App, Record
from streams.errors import DeclarationError


class Paid(Record, event="order.paid"):
    total: int


class PaidAsReadElsewhere(Record, event="order.paid"):
    currency: str


def test_the_shops_tables_and_documents_are_known_with_their_services() -> None:
    assert tables_of(load())["revenue"][0] == "analytics"
    assert documents_of(load())["notifications"][0] == "notifications"


def test_every_type_that_an_event_is_read_as_is_known_once() -> None:
    one, other = App("one"), App("other")
    one.topic("x", value_type=Paid)
    other.topic("y", value_type=Paid)
    other.topic("y", value_type=PaidAsReadElsewhere)
    other.topic("z", value_type=list[int])
    assert records_of([one, other]) == {"order.paid": (Paid, PaidAsReadElsewhere)}


def test_two_services_cannot_share_a_name() -> None:
    one, other = App("one"), App("other")
    one.Table("counts", default=int)
    other.Table("counts", default=int)
    with pytest.raises(DeclarationError, match="one and other both declare 'counts'"):
        tables_of([one, other])
