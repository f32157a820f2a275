"""What a command is given to work with, where it takes slots as a worker does."""

import random

from streams.limits import Limits
from streams.share import TOOL
from streams.surroundings import Surroundings
from warren.system import System, now


def tool_name() -> str:
    """As which a command takes slots: like a worker's name, and no worker's."""
    return f"{TOOL}{random.SystemRandom().getrandbits(64):016x}"


def surroundings(system: System, service: str) -> Surroundings:
    """Those of a service, in the hands of a tool."""
    users = frozenset([system.broker.user, *(service.name for service in system.topology.services)])
    return Surroundings(
        system.stores[service],
        system.broker,
        system.topology,
        tool_name(),
        system.settings.lease,
        users,
        now,
        system.ids,
        Limits(),
    )
