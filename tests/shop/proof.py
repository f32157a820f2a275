"""The report of `make prove-shop`, for the screen and for docs/reliability.md."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.shop.parts import Part

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN: Final = "<!-- written by `make prove-shop ARGS=--write` -->\n"
END: Final = "<!-- end of the shop -->\n"
ENOUGH: Final = 50_000
"""Orders."""
MOST: Final = 50
"""Breaches that are told."""
NAMES: Final = {
    "hypothesis": "whatever Hypothesis has people do, in virtual time",
    "life": "lives of a thousand orders, the world outside losing answers, every event repeated, all tables rebuilt",
    "simulation": "simulations: kills, stops and faults at every await",
    "servers": "RabbitMQ and PostgreSQL, everything struck",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What the parts have come to."""

    parts: Mapping[str, Part]
    seconds: float

    @property
    def whole(self) -> Part:
        """All of them."""
        return sum(self.parts.values(), Part())

    @property
    def holds(self) -> bool:
        """Whether every invariant held, over enough orders in every way."""
        whole = self.whole
        return not whole.breaches and whole.orders >= ENOUGH and self.parts.keys() == NAMES.keys()

    def told(self) -> str:
        """In Markdown."""
        whole, load = self.whole, os.getloadavg()[2]
        rows = [(NAMES[name], part) for name, part in self.parts.items()]
        return (
            f"{whole.orders:,} orders in {self.seconds / 60:.0f} min ({os.cpu_count()} cores, load {load:.0f}): "
            f"{len(whole.breaches)} breaches.\n\n| how | orders | faults and strikes | breaches |\n|---|---|---|---|\n"
            + "".join(_row(name, part) for name, part in [*rows, ("in all", whole)])
        )

    def findings(self) -> str:
        """The first breaches, a line each."""
        return "".join(f"{breach}\n" for breach in self.whole.breaches[:MOST])

    def write(self, page: Path = PAGE) -> None:
        """Put it into the documentation, in place of the one before."""
        before, rest = page.read_text("utf-8").split(BEGIN, 1)
        page.write_text(f"{before}{BEGIN}\n{self.told()}\n{END}{rest.split(END, 1)[1]}", "utf-8")


def _row(name: str, part: Part) -> str:
    return f"| {name} | {part.orders:,} | {part.faults:,} | {len(part.breaches)} |\n"
