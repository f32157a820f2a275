"""Which amounts of money there are."""

from decimal import Decimal
from typing import Final

from agents.orders.order import DEAREST

PLACES: Final = 4
"""Decimal places; no currency has more."""


def is_amount(amount: Decimal) -> bool:
    """Whether it is a number of that kind, and not negative."""
    return amount.is_finite() and 0 <= amount < DEAREST and amount == round(amount, PLACES)
