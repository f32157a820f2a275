"""The guards that are taken away are there; `make prove-guards` sees that their loss is noticed."""

import re

import pytest

from tests.prove.mutants.catalogue import Mutant
from tests.prove.mutants.guards import GUARDS
from tests.prove.mutants.workshop import ROOT, broken


@pytest.mark.parametrize("mutant", GUARDS, ids=lambda mutant: mutant.name)
def test_a_guard_is_there_to_be_taken_away(mutant: Mutant) -> None:
    source = (ROOT / mutant.path).read_text()
    compile(broken(mutant, source), mutant.path, "exec")
    assert broken(mutant, source) != source


def test_every_guard_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in GUARDS}) == len(GUARDS)


def test_every_test_that_the_documentation_names_is_there() -> None:
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / "docs/security.md").read_text())
    assert len(named) > 30
    for file, test in named:
        assert re.search(rf"def {test}\(", (ROOT / file).read_text()), (file, test)
