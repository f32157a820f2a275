"""The shop's agents under everything that can go wrong; WARREN_TEST_SHOP_SEEDS says how often, 6 by default."""

import os

import pytest

from tests.shop.simulation import simulate_shop

SEEDS = int(os.environ.get("WARREN_TEST_SHOP_SEEDS", "6"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_invariant_holds_under_every_fault(seed: int) -> None:
    run = simulate_shop(seed)
    assert [str(violation) for violation in run.violations] == []
    assert run.figures.faults > 0, "nothing went wrong"


def test_the_same_seed_does_the_same() -> None:
    first, again = (list(simulate_shop(4).trace.lines()) for _ in range(2))
    assert first == again
