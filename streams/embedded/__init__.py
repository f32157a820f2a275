"""A broker in this process: for one node, for the demo, for tests and for simulation."""

from streams.embedded.faults import Break, Fate, Faults
from streams.embedded.server import Embedded

__all__ = ["Break", "Embedded", "Fate", "Faults"]
