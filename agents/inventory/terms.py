"""How long an order may hold stock, and when a product is low: what the composition root says, else the usual."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reservation is made on; one that is made keeps its time."""

    hold: timedelta = timedelta(minutes=15)
    low: int = 5
    """A product with fewer pieces available is low."""


class Desk:
    """Knows the terms."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    @contextmanager
    def on(self, terms: Terms) -> Iterator[None]:
        """As long as the context lasts, these terms are used."""
        before, self.terms = self.terms, terms
        try:
            yield
        finally:
            self.terms = before


desk = Desk(Terms())
"""The shop's."""
