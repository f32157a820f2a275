"""The mutants apply, and some of them are noticed; `make prove-mutants` tries all."""

import pytest

from tests.prove.mutants.catalogue import MUTANTS, Mutant
from tests.prove.mutants.workshop import ROOT, DoesNotApply, broken, tried

SOME = ("readers ignore the floor", "the anchor is not checked", "the outbox is not published again")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_to_the_source_as_it_is(mutant: Mutant) -> None:
    source = (ROOT / mutant.path).read_text()
    compile(broken(mutant, source), mutant.path, "exec")
    assert broken(mutant, source) != source


def test_a_mutant_whose_place_has_gone_says_so() -> None:
    with pytest.raises(DoesNotApply, match="find the rule's new place"):
        broken(MUTANTS[0], "")


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in SOME], ids=lambda mutant: mutant.name)
def test_a_mutant_is_noticed(mutant: Mutant) -> None:
    verdict = tried(mutant)
    assert verdict.noticed, verdict.told


def test_there_are_as_many_as_we_say() -> None:
    assert len(MUTANTS) >= 15
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len([m for m in MUTANTS if m.name in SOME]) == len(SOME)
