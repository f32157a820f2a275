"""What each template may ask for, with values to show it with. The rules fill the same fields from events."""

from collections.abc import Mapping, Sequence
from typing import Final

Sample = Mapping[str, str | None]
"""Field -> value; None where an event may leave it out."""

_ORDER: Final = {"orderId": "8a6e0804-2bd0-4672-b79d-d97027f9071a", "total": "74.00", "currency": "EUR"}
_REFUND: Final = {"orderId": _ORDER["orderId"], "amount": "12.50", "currency": "EUR"}

SAMPLES: Final[Mapping[str, Sample]] = {
    "welcome": {"firstName": "Hazel"},
    "order_received": _ORDER,
    "order_paid": _ORDER,
    "order_shipped": {**_ORDER, "carrier": "Swift", "tracking": "SW-4711"},
    "order_cancelled": {**_ORDER, "reason": "changed my mind"},
    "order_payment_failed": {**_ORDER, "reason": "card_declined"},
    "order_refunded": _REFUND,
    "security_alert": {"ip": "192.0.2.1"},
    "refund_stuck": {**_REFUND, "refundId": "c56a4180-65aa-42ec-a945-5fd21dec0538", "code": "unavailable"},
}
_OPTIONAL: Final[Mapping[str, frozenset[str]]] = {
    "welcome": frozenset({"firstName"}),
    "order_shipped": frozenset({"carrier", "tracking"}),
    "order_cancelled": frozenset({"reason"}),
}


def occasions(name: str) -> Sequence[Sample]:
    """A template's data as it may come: all of it, and without what may be missing. Raises KeyError."""
    full, optional = SAMPLES[name], _OPTIONAL.get(name, frozenset())
    return full, {field: None if field in optional else value for field, value in full.items()}
