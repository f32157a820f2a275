"""The ledger: what was put in, one line for each entry, written before the entry is first published."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO


class Line(NamedTuple):
    """An entry as it is known to the one who put it in."""

    id: str
    user: str
    serial: int
    amount: int
    time: int
    """Milliseconds since 1970."""


def write(ledger: TextIO, lines: Iterable[Line]) -> None:
    """Add lines, on disk when it returns as far as other processes can see."""
    ledger.writelines("\t".join(map(str, line)) + "\n" for line in lines)
    ledger.flush()


def read(path: Path) -> Iterator[Line]:
    """All lines, in the order they were written."""
    with path.open() as ledger:
        for text in ledger:
            id, user, serial, amount, time = text.rstrip("\n").split("\t")
            yield Line(id, user, int(serial), int(amount), int(time))
