"""15: one idempotency key, one order. 16: one unspent refresh token in a family. 19: at most 100 requests a minute."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from typing import Final

from tests.shop.invariants.evidence import Breach, Evidence
from tests.shop.invariants.rows import Order, read_all

A_MINUTE: Final = 60.0
MOST: Final = 100


def one_key_is_one_order(evidence: Evidence) -> Iterator[Breach]:
    """15: each key was answered with one order, which is its user's; no other order is there."""
    answered: dict[tuple[str, str], set[str]] = defaultdict(set)
    for request in evidence.requests:
        answered[request.user, request.key].add(request.order)
    for (user, key), ids in answered.items():
        if len(ids) > 1:
            yield Breach(15, f"key {key} of user {user}", f"it has made {len(ids)} orders: {', '.join(sorted(ids))}")
    known = {order for ids in answered.values() for order in ids}
    if evidence.requests:
        for order in read_all(Order, evidence.rows("orders.orders").values()):
            if order.id not in known:
                yield Breach(15, f"order {order.id}", "nobody was answered with it")


def one_unspent_token_in_a_family(evidence: Evidence) -> Iterator[Breach]:
    """16."""
    unspent = Counter(token.family for token in evidence.refresh_tokens if not token.spent)
    for family, number in unspent.items():
        if number > 1:
            yield Breach(16, f"family {family}", f"{number} refresh tokens are unspent")


def at_most_a_hundred_in_any_minute(evidence: Evidence) -> Iterator[Breach]:
    """19: over all processes of the edge."""
    recent: dict[str, deque[float]] = defaultdict(deque)
    for admission in sorted(evidence.admissions, key=lambda each: each.at):
        window = recent[admission.client]
        window.append(admission.at)
        while window[0] <= admission.at - A_MINUTE:
            window.popleft()
        if len(window) > MOST:
            yield Breach(19, f"client {admission.client}", f"{len(window)} requests in the minute to {admission.at}")
