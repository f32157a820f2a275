"""The shop's own agents in the simulation: faults at every await, and every invariant in the end (docs/testing.md)."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

from agents.inventory.terms import Terms
from agents.inventory.terms import terms as shop_terms
from agents.registry import load
from streams.embedded.message import details
from streams.testing import EPOCH_MS, Input, Outcome, Run, Scenario, Violation, simulate
from tests.shop.collecting import message_of
from tests.shop.invariants.checker import breaches
from tests.shop.invariants.evidence import Commit, Evidence
from tests.shop.life import Life, Ways
from tests.shop.outside import Outside, outside
from tests.shop.processes import of_process, separate_memories
from tests.shop.recording import RecordingStore
from topology.load import load_shop
from topology.spec import Topology

SERVICES: Final = ("orders", "inventory", "payments", "notifications", "analytics")
TOPOLOGY: Final = Topology(
    tuple(replace(each, queues=()) if each.name == "auth" else each for each in load_shop().services)
)
"""The shop without its agent `welcome`, which is not simulated."""
TURNS: Final = 10_000_000
"""An hour of five services with three workers takes a million."""
TERMS: Final = Terms(hold=timedelta(seconds=60))
"""Reservations that expire in the middle of a payment now and then."""
LOST: Final = (0.0, 0.05, 0.15)
"""Shares of the calls to the world outside that come to no answer."""
PIECES: Final = (6, 40)
"""Of each product: too few, or enough."""


def ways_of(seed: int) -> Ways:
    """How much there is of everything in the simulation of this seed."""
    random = Random(f"{seed} ways")
    return Ways(orders=random.randint(5, 30), products=random.randint(1, 4), pieces=random.choice(PIECES))


def simulate_shop(seed: int) -> Run:
    """One simulation of the whole shop."""
    random, ways = Random(f"{seed} world"), ways_of(seed)
    history: list[Commit] = []
    with outside(random, random.choice(LOST)) as world, separate_memories(), shop_terms.on(TERMS):
        apps = [of_process(app) for app in load(SERVICES)]
        scenario = Scenario(
            apps=lambda: apps,
            topology=TOPOLOGY,
            inputs=lambda chance: _inputs(chance, ways),
            check=lambda outcome: _violations(outcome, history, world),
            turns=TURNS,
            store=lambda service, clock, births: RecordingStore(service, history, clock, births),
        )
        return simulate(scenario, seed)


def _inputs(random: Random, ways: Ways) -> Iterator[Input]:
    for act in Life(random, ways).acts():
        yield Input(act.exchange, act.record, key=act.key, id=act.id, after=act.after)


def _violations(outcome: Outcome, history: list[Commit], world: Outside) -> Iterator[Violation]:
    for breach in breaches(_evidence(outcome, history, world)):
        yield Violation("wrong", str(breach))


def _evidence(outcome: Outcome, history: list[Commit], world: Outside) -> Evidence:
    operations, accounts = world.book()
    return Evidence(
        tables={f"{app}.{name}": {row.key: row.value for row in rows} for (app, name), rows in outcome.rows.items()},
        logs={name: [message_of(each, details(each)) for each in log] for name, log in outcome.logs.items()},
        history=tuple(history),
        operations=operations,
        accounts=accounts,
        now=EPOCH_MS + round(asyncio.get_running_loop().time() * 1000),
        letters=tuple(world.pigeons.arrived),
    )
