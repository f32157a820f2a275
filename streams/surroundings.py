"""What every agent of a service is given to work with."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

from stores.port import Store
from streams.agent import Agent
from streams.broker import Broker
from streams.codec import ANY_TYPE
from streams.limits import Limits
from streams.tracing import AgentTracing, Tracer
from topology.spec import Topology


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One service's surroundings in one worker."""

    store: Store
    broker: Broker
    topology: Topology
    worker: str
    lease: float
    """Seconds for which a heartbeat counts."""
    trusted: Collection[str]
    """Users whose lanes count."""
    now: Callable[[], int]
    """Milliseconds since 1970 UTC."""
    jitter: random.Random
    limits: Limits
    tracer: Tracer | None = None
    """Who wants the spans of agents."""

    def tracing(self, agent: Agent) -> AgentTracing | None:
        """The spans of an agent, if somebody wants them."""
        return None if self.tracer is None else AgentTracing(agent.service, agent.name, self.tracer)

    def skipped(self, agent: Agent) -> frozenset[str]:
        """Types that some service publishes and this agent does not read. What nobody declares is told, not skipped."""
        decoders, logs = agent.topic.decoders, self.topology.logs
        if ANY_TYPE in decoders:
            return frozenset()
        # What came due of a type that is read no more has still to be taken off the list.
        kept = {*decoders, *(kind for name in agent.topic.names if name in logs for kind in logs[name].due)}
        return frozenset(self.topology.keys()).difference(kept)
