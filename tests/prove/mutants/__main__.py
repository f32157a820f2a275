"""Break the engine in every way that the catalogue knows, see that the suite notices, and write the table.

python -m tests.prove.mutants                 # all of them, into docs/reliability-mutants.md
python -m tests.prove.mutants fence floor     # those with one of these words in their names
python -m tests.prove.mutants --guards        # what keeps attackers out instead, into docs/security-mutants.md
"""

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import click

from tests.prove.mutants.catalogue import MUTANTS, Mutant
from tests.prove.mutants.guards import GUARDS
from tests.prove.mutants.workshop import ROOT, Verdict, copy_of_the_source, run, tried

AT_ONCE = 2
DOCS = ROOT / "docs"
HEAD = """# Mutants

`make prove-mutants` breaks a copy of the source in each of these ways, one at a time, and runs the part of the suite
that has to notice. On the source as it is the same parts find nothing.

| what the broken engine does | where | noticed by | seconds |
|---|---|---|---|
"""
GUARDS_HEAD = """# Guards taken away

`make prove-guards` takes each of these guards away in a copy of the source, one at a time, and runs the tests that
have to notice. What the tests try: [security.md](security.md).

| without its guard | where | noticed by | seconds |
|---|---|---|---|
"""


def main(words: list[str]) -> int:
    """The number of mutants that nobody noticed."""
    guards, words = "--guards" in words, [word for word in words if word != "--guards"]
    mutants = GUARDS if guards else MUTANTS
    chosen = [m for m in mutants if not words or any(word in m.name for word in words)]
    _sound({mutant.noticed_by for mutant in chosen})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = dict(zip(chosen, pool.map(_told, chosen), strict=True))
    survivors = [mutant.name for mutant, verdict in verdicts.items() if not verdict.noticed]
    click.echo(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants were noticed")
    if not words and not survivors:
        rows = "".join(_row(mutant, verdict) for mutant, verdict in verdicts.items())
        if guards:
            (DOCS / "security-mutants.md").write_text(GUARDS_HEAD + rows)
        else:
            (DOCS / "reliability-mutants.md").write_text(HEAD + rows)
    return len(survivors)


def _sound(commands: Iterable[tuple[str, ...]]) -> None:
    """Raises RuntimeError where the source as it is does not pass."""
    with copy_of_the_source() as place, ThreadPoolExecutor(AT_ONCE) as pool:
        for command, verdict in zip(commands, pool.map(lambda c: run(c, place), commands), strict=True):
            if verdict.noticed:
                raise RuntimeError(f"{' '.join(command)} fails on the source as it is: {verdict.told}")


def _told(mutant: Mutant) -> Verdict:
    verdict = tried(mutant)
    mark = "noticed" if verdict.noticed else "NOT NOTICED"
    click.echo(f"{mark:12} {verdict.seconds:6.1f} s  {mutant.name}: {verdict.told}")
    return verdict


def _row(mutant: Mutant, verdict: Verdict) -> str:
    by = "simulation, " + verdict.told if "streams.testing" in mutant.noticed_by else f"`{verdict.told}`"
    return f"| {mutant.name} | `{mutant.path}` | {_short(by)} | {verdict.seconds:.0f} |\n"


def _short(text: str) -> str:
    text = text.replace("|", "¦")
    return text if len(text) <= 140 else f"{text[:140]}…"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
