"""The whole shop in one process and in virtual time: whatever people do, every invariant holds."""

import asyncio

import pytest

from streams.testing import VirtualTimeLoop
from tests.shop.invariants.checker import breaches
from tests.shop.life import Ways
from tests.shop.parts import lived


@pytest.mark.parametrize("seed", range(3))
def test_every_invariant_holds_whatever_people_do(seed: int) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        evidence = runner.run(lived(seed, Ways(orders=60), lost=0.1 * seed))
    assert breaches(evidence) == []
    assert len(evidence.rows("orders.orders")) == 60
