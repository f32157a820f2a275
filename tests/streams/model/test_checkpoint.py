"""The checkpoint protocol: run through to the end, nothing is wrong; with any of its rules broken, something is."""

import pytest

from tests.streams.model.checkpoint import after
from tests.streams.model.demands import complete, fault
from tests.streams.model.exploration import Explored, explore
from tests.streams.model.rules import Rules
from tests.streams.model.world import Budget, World

SPACES = {Budget(takeovers=2, mishaps=3): 92_278, Budget(takeovers=3, mishaps=2): 199_254}
"""What may happen, and how many states that makes: all of them are visited."""
EVERYTHING = World(Budget(takeovers=3, mishaps=2))
FOUND = {
    "fence": "lost",
    "rows_in_commit": "the table holds",
    "outbox_in_commit": "lost",
    "ids_in_commit": "the table holds",
    "republish": "lost",
    "epoch_first": "the table holds",
    "confirmed_first": "lost",
    "clear_when_confirmed": "lost",
    "forget_when_in_doubt": "the table holds",
    "floor": "twice",
    "seen": "twice",
    "exact": "lost",
    "honest_floor": "lost",
    "forgets": "more than an outbox",
}
"""What comes of it if a rule is broken."""


def explored(start: World, rules: Rules) -> Explored[World]:
    return explore(start, lambda world: after(world, rules), fault, complete)


@pytest.mark.parametrize("budget", SPACES, ids=str)
def test_the_protocol_holds_in_every_state_that_there_is(budget: Budget) -> None:
    seen = explored(World(budget), Rules())
    assert seen.fault == "", seen.path
    assert seen.states == SPACES[budget]
    assert seen.completed > 0, "the work can be done, whatever happens on the way"


def test_every_rule_is_broken_by_some_variant() -> None:
    assert set(FOUND) == set(Rules._fields)


@pytest.mark.parametrize("rule", FOUND)
def test_a_broken_rule_is_found(rule: str) -> None:
    seen = explored(EVERYTHING, Rules()._replace(**{rule: False}))
    assert FOUND[rule] in seen.fault


def test_order_is_lost_by_nothing_but_a_nack() -> None:
    """Which is why `fault` forgives it: a refused message is sent again alone, after those behind it."""

    def disordered(world: World) -> str:
        return fault(world._replace(nacked=False))

    seen = explore(EVERYTHING, lambda world: after(world, Rules()), disordered, complete)
    assert "out of order" in seen.fault
    assert any("refuses" in step for step in seen.path)
