"""Judging: what the ledger says against what was found. Everything is computed again here, from the ledger alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tests.prove.evidence import Evidence, Found
from tests.prove.ledger import Line

_TOLD: Final = 20
_HOUR_MS: Final = 3_600_000


@dataclass(slots=True)
class Verdict:
    """What is wrong, counted, with the first few findings in words."""

    events: int = 0
    lost: int = 0
    twice: int = 0
    disorder: int = 0
    """Per key: the order of the input was not kept."""
    unexplained: int = 0
    wire_duplicates: int = 0
    """Messages in the logs beyond the first of each id: what the faults have caused, and nobody counted."""
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.lost == self.twice == self.disorder == self.unexplained == 0

    def find(self, kind: str, number: int, text: str) -> None:
        """Add to what is wrong."""
        setattr(self, kind, getattr(self, kind) + number)
        if len(self.findings) < _TOLD:
            self.findings.append(f"{kind}: {text}")


def judge(lines: Sequence[Line], evidence: Evidence) -> Verdict:
    """The verdict on all tables and logs."""
    verdict = Verdict(events=len(lines))
    _wire(verdict, lines, evidence)
    chained = {user: _sum(part) for user, part in _by_user(lines).items()}
    _sums(verdict, "sums", chained, evidence, ordered=True)
    _sums(verdict, "tallies", chained, evidence, ordered=True)
    told = [line for line in lines if line.amount for _ in range(2)]
    _sums(verdict, "settled", {user: _sum(p) for user, p in _by_user(told).items()}, evidence, ordered=False)
    _amounts(verdict, "hours", _totals((_hour(line), line.amount) for line in lines), evidence)
    _amounts(verdict, "tens", _totals((f"{x.user}/{x.serial // 10}", x.amount) for x in lines), evidence)
    _jobs(verdict, lines, evidence.tables["jobs"])
    _same(verdict, "letters", Counter(x.id for x in lines if not x.amount), Counter(evidence.tables["letters"]))
    return verdict


def _by_user(lines: Iterable[Line]) -> dict[str, list[Line]]:
    users: dict[str, list[Line]] = {}
    for line in lines:
        users.setdefault(line.user, []).append(line)
    return users


def _sum(lines: Iterable[Line]) -> dict[str, int]:
    count = amount = chain = 0
    for line in lines:
        count, amount = count + 1, amount + line.amount
        chain = (chain * 31 + line.serial + 1) % 1_000_000_007
    return {"count": count, "amount": amount, "chain": chain}


def _hour(line: Line) -> str:
    start = datetime.fromtimestamp(line.time // _HOUR_MS * 3600, UTC)
    return f"{line.user}|{start:%Y-%m-%dT%H:%M:%SZ}"


def _totals(amounts: Iterable[tuple[str, int]]) -> Counter[str]:
    totals = Counter[str]()
    for key, amount in amounts:
        totals[key] += amount
    return totals


def _sums(
    verdict: Verdict, table: str, wanted: Mapping[str, dict[str, int]], evidence: Evidence, *, ordered: bool
) -> None:
    found = evidence.tables[table]
    for user in wanted.keys() | found.keys():
        want = wanted.get(user, {"count": 0, "amount": 0, "chain": 0})
        have = found.get(user, {"count": 0, "amount": 0, "chain": 0})
        missing = want["count"] - have["count"]
        what = f"{table}[{user}] is {have} instead of {want}"
        if missing:
            verdict.find("lost" if missing > 0 else "twice", abs(missing), what)
        elif have["amount"] != want["amount"]:
            verdict.find("unexplained", 1, what)
        elif ordered and have["chain"] != want["chain"]:
            verdict.find("disorder", 1, what)


def _amounts(verdict: Verdict, table: str, wanted: Mapping[str, int], evidence: Evidence) -> None:
    found: Mapping[str, Any] = evidence.tables[table]
    for key in wanted.keys() | found.keys():
        if wanted.get(key) != found.get(key):
            verdict.find("unexplained", 1, f"{table}[{key}] is {found.get(key)} instead of {wanted.get(key)}")


def _jobs(verdict: Verdict, lines: Sequence[Line], jobs: Mapping[str, Any]) -> None:
    wanted = {line.id: {"state": "done", "amount": line.amount} for line in lines if line.amount}
    for id in wanted.keys() - jobs.keys():
        verdict.find("lost", 1, f"there is no job {id}")
    for id, job in jobs.items():
        if job != wanted.get(id):
            verdict.find("unexplained", 1, f"job {id} is {job} instead of {wanted.get(id)}")


# --- logs ---


def _wire(verdict: Verdict, lines: Sequence[Line], evidence: Evidence) -> None:
    """Each log has each message, once or more often, in the order of the ledger for each user."""
    entries = _once(verdict, evidence.logs["entries"])
    _same(verdict, "entries", Counter(line.id for line in lines), Counter(message.id for message in entries))
    by_place = {(line.user, line.serial): line for line in lines}
    for log, copies in (("counted", 1), ("handled", 2)):
        messages = _once(verdict, evidence.logs[log])
        places = Counter((message.user, message.serial) for message in messages)
        wanted = Counter({p: copies for p, line in by_place.items() if line.amount or log == "counted"})
        _same(verdict, log, wanted, places)
    for log, messages in (("entries", entries), ("counted", _first(evidence.logs["counted"]))):
        _in_order(verdict, log, messages)
    _dead(verdict, {line.id for line in lines if not line.amount}, _once(verdict, evidence.logs["dead.letters"]))


def _first(messages: Iterable[Found]) -> list[Found]:
    first: dict[str, Found] = {}
    for message in messages:
        first.setdefault(message.id, message)
    return list(first.values())


def _once(verdict: Verdict, messages: Sequence[Found]) -> list[Found]:
    first = _first(messages)
    verdict.wire_duplicates += len(messages) - len(first)
    return first


def _same(verdict: Verdict, log: str, wanted: Counter[Any], found: Counter[Any]) -> None:
    for what, number in (wanted - found).items():
        verdict.find("lost", number, f"{what} is not in {log}")
    for what, number in (found - wanted).items():
        verdict.find("unexplained", number, f"{what} is in {log}")


def _in_order(verdict: Verdict, log: str, messages: Iterable[Found]) -> None:
    last: dict[str, int] = {}
    for message in messages:
        user, serial = message.user, message.serial
        if serial < last.get(user, -1):
            verdict.find("disorder", 1, f"{user}/{serial} comes after {last[user]} in the log {log}")
        last[user] = max(serial, last.get(user, -1))


def _dead(verdict: Verdict, wanted: set[str], letters: Iterable[Found]) -> None:
    found = Counter(letter.dead_id for letter in letters)
    _same(verdict, "dead.letters", Counter(wanted), found)
