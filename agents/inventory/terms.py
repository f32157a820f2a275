"""How long an order may hold stock, and when a product is low."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from streams import Setting


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reservation is made on; one that is made keeps its time."""

    hold: timedelta = timedelta(minutes=15)
    low: int = 5
    """A product with fewer pieces available is low."""


terms: Final = Setting(Terms())
"""The shop's."""
