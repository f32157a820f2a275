"""What a simulation's outcome is held against, whatever its apps do: the numbers on the wire."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from streams.broker import Envelope
from streams.testing.scenario import Outcome, Violation


@dataclass(slots=True)
class Figures:
    """Counts of one simulation, or the sums of many."""

    inputs: int = 0
    messages: int = 0
    """In all logs, with repeats."""
    wire_duplicates: int = 0
    """Of them repeats, which every reader has to know."""
    faults: int = 0
    kills: int = 0
    stalls: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        mine, others = asdict(self), asdict(other)
        return Figures(**{name: mine[name] + others[name] for name in mine})


def judge(outcome: Outcome) -> tuple[list[Violation], Figures]:
    """What must not be on the wire, and what was counted there."""
    figures = Figures(inputs=len(outcome.inputs))
    violations: list[Violation] = []
    for name, envelopes in outcome.logs.items():
        figures.messages += len(envelopes)
        figures.wire_duplicates += len(envelopes) - len({_identity(envelope) for envelope in envelopes})
        violations += _misnumbered(name, envelopes)
    return violations, figures


def _identity(envelope: Envelope) -> tuple[object, ...]:
    if envelope.lane:
        return envelope.lane, envelope.seq
    return ("id", envelope.id) if envelope.id else ("offset", envelope.offset)


def _misnumbered(log: str, envelopes: list[Envelope]) -> Iterator[Violation]:
    """One number is one send, and what is new on a lane comes in the order of its numbers."""
    sent: dict[tuple[str, int], tuple[str, bytes]] = {}
    highest: dict[str, int] = {}
    for envelope in envelopes:
        if not envelope.lane:
            continue
        number, what = (envelope.lane, envelope.seq), (envelope.id, envelope.body)
        if number in sent:
            if sent[number] != what:
                yield Violation("wrong", f"{log}: {number} stands for two sends, {sent[number]} and {what}")
            continue
        sent[number] = what
        if envelope.seq < highest.get(envelope.lane, -1):
            yield Violation("order", f"{log}: {number} comes after {highest[envelope.lane]}")
        highest[envelope.lane] = envelope.seq
