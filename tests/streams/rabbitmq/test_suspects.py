"""Which messages a closed channel is blamed on."""

import pytest

from streams.broker import Outcome
from streams.rabbitmq.suspects import Suspects, verdict

TARGETS = {("order.events", "order.paid"), ("order.events", "order.placed"), ("", "queue"), ("it's", "k")}


@pytest.mark.parametrize(
    ("reason", "suspects"),
    [
        ("NOT_FOUND - no exchange 'order.events' in vhost '/'", {("order.events", None)}),
        ("NOT_FOUND - no exchange 'it's' in vhost '/'", {("it's", None)}),
        ("ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused for user 'u'", {("", None)}),
        (
            "ACCESS_REFUSED - write access to topic 'order.paid' in exchange 'order.events' in vhost '/' refused",
            {("order.events", "order.paid")},
        ),
        ("INTERNAL_ERROR - something else", TARGETS),
    ],
)
def test_what_the_reason_names_is_suspect_and_else_everything(
    reason: str, suspects: set[tuple[str, str | None]]
) -> None:
    found = Suspects()
    found.accuse(reason, TARGETS)
    assert {found.named(target) for target in TARGETS} - {None} == suspects
    assert len(found.problems()) == len(suspects)
    for suspect in suspects:
        found.acquit(suspect)
    assert not found


def test_a_message_that_is_too_large_makes_nothing_suspect_but_tells_the_limit() -> None:
    found = Suspects()
    found.accuse("PRECONDITION_FAILED - message size 20 is larger than configured max size 16", TARGETS)
    assert not found
    assert found.most == 16


def test_a_missing_exchange_takes_nothing_and_anything_else_is_a_refusal() -> None:
    assert [verdict(code) for code in (404, 403, 406)] == [Outcome.UNROUTABLE, Outcome.REFUSED, Outcome.REFUSED]
