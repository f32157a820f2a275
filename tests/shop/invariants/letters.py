"""9: nobody is told the same thing twice. 17: nobody is told of a payment that there was not."""

from collections import Counter
from collections.abc import Iterator

from tests.shop.invariants.evidence import Breach, Evidence
from tests.shop.invariants.rows import Entry, Notification, Order, read, read_all

DOCUMENTS = "notifications.notifications"

Identity = tuple[str, str, str, str]
"""Of what (an order, a refund), with which text, how, to whom."""


def nobody_is_told_twice(evidence: Evidence) -> Iterator[Breach]:
    """9: at every instant, and by the letters that have arrived."""
    sent: dict[Identity, str] = {}
    for commit in evidence.history:
        for key, value in commit.rows.get(DOCUMENTS, {}).items():
            if value is not None:
                yield from _one_only(sent, key, read(Notification, value))
    at_rest: dict[Identity, str] = {}
    for key, value in evidence.rows(DOCUMENTS).items():
        yield from _one_only(at_rest, key, read(Notification, value))
    arrived = Counter((each.about, each.template, each.channel, each.recipient) for each in evidence.letters)
    for identity, times in arrived.items():
        if times > 1:
            yield Breach(9, f"{identity[1]} of {identity[0]}", f"it has arrived {times} times by {identity[2]}")


def _one_only(sent: dict[Identity, str], key: str, document: Notification) -> Iterator[Breach]:
    identity = document.about, document.template, document.type, document.recipient
    if document.status == "SENT":
        if sent.setdefault(identity, key) != key:
            yield Breach(9, f"{document.template} of {document.about}", f"SENT as {sent[identity]} and as {key}")
    elif sent.get(identity) == key:
        yield Breach(9, f"{document.template} of {document.about}", f"it was SENT, and is {document.status}")


def paid_is_told_of_what_is_paid(evidence: Evidence) -> Iterator[Breach]:
    """17."""
    paid = {e.order_id for e in read_all(Entry, evidence.rows("payments.ledger").values()) if e.outcome == "captured"}
    paid |= {order.id for order in read_all(Order, evidence.rows("orders.orders").values()) if not order.total}
    documents = read_all(Notification, evidence.rows(DOCUMENTS).values())
    told = {each.about for each in documents if each.template == "order_paid" and each.status == "SENT"}
    told |= {letter.about for letter in evidence.letters if letter.template == "order_paid"}
    for order in sorted(told - paid):
        yield Breach(17, f"order {order}", "order_paid was sent, and nothing was captured")
