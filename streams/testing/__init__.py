"""Simulation of agents under everything that can go wrong; see docs/testing.md.

Nothing of this is needed to run agents. `simulate(scenario, seed)` runs one simulation in virtual time;
`python -m streams.testing` runs many.
"""

from streams.testing.campaign import Result, campaign
from streams.testing.scenario import EPOCH_MS, Input, Outcome, Scenario, Violation
from streams.testing.simulation import Run, simulate
from streams.testing.trace import Trace
from streams.testing.verdict import Figures
from streams.testing.virtual_time import VirtualTimeLoop

__all__ = [
    "EPOCH_MS",
    "Figures",
    "Input",
    "Outcome",
    "Result",
    "Run",
    "Scenario",
    "Trace",
    "Violation",
    "VirtualTimeLoop",
    "campaign",
    "simulate",
]
