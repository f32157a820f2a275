"""5: no saga outlives its due time, no reservation its expiry."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from tests.shop.invariants.evidence import Breach, Evidence
from tests.shop.invariants.rows import Order, Reservation, read_all

GRACE_MS: Final = 60_000
"""What is due is looked at, published and read back: by then it has to be gone."""
SAGA_MS: Final = 24 * 3_600_000
"""An order that is neither at rest nor ended is asked after by its due times; none lives longer than this."""
_UNDER_WAY: Final = frozenset({"PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "CANCELLING"})


def nothing_outlives_its_due_time(evidence: Evidence) -> Iterator[Breach]:
    """5."""
    for about, at in evidence.due:
        if at + GRACE_MS < evidence.now:
            yield Breach(5, about, f"it was due {(evidence.now - at) / 1000} s ago")
    for each in read_all(Reservation, evidence.rows("inventory.reservations").values()):
        if each.status == "HELD" and _ms(each.expires_at) + GRACE_MS < evidence.now:
            yield Breach(5, f"order {each.order_id}", f"its reservation is HELD, and expired at {each.expires_at}")
    due = {about for about, _ in evidence.due}
    for order in read_all(Order, evidence.rows("orders.orders").values()):
        if order.status not in _UNDER_WAY:
            continue
        since = order.history[-1].at
        if not any(order.id in about for about in due) or _ms(since) + SAGA_MS < evidence.now:
            yield Breach(5, f"order {order.id}", f"it is {order.status} since {since}, and nothing is due")


def _ms(at: datetime) -> int:
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
