"""How much of one product was ordered on a day."""

from streams import Record


class Sales(Record):
    """Pieces, and in how many orders."""

    pieces: int = 0
    orders: int = 0

    def sell(self, pieces: int) -> None:
        """One more order has so many."""
        self.pieces += pieces
        self.orders += 1


def together(one: Sales, other: Sales) -> Sales:
    """The sum of what partitions, or days, hold."""
    return Sales(one.pieces + other.pieces, one.orders + other.orders)
