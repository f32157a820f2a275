"""What there is to be done on the logs of a service: a duty for each agent and partition, and for each forwarder."""

from collections.abc import Iterator

from streams.app import App
from streams.forwarder import Forwarder
from streams.graph import at_work, is_log_agent, tables_of
from streams.hold import Duty
from streams.log_agent import LogAgent
from streams.source import sources
from streams.surroundings import Surroundings
from streams.topic import A_DAY
from streams.windows import milliseconds
from topology.spec import Log, Topology


def duties(app: App, around: Surroundings) -> Iterator[Duty]:
    """The slots of a service."""
    topology = around.topology
    for log in topology.service(app.id).logs:
        if log.partitions > 1:
            yield Forwarder(log, app.id, _dedupe(app, log, topology), around)
    for agent in at_work(app, topology):
        if is_log_agent(agent, topology):
            tables = [app.tables[name] for name in tables_of(agent, app)]
            for source in sources(topology.logs[agent.topic.names[0]]):
                yield LogAgent(agent, source, tables, around)


def _dedupe(app: App, log: Log, topology: Topology) -> int | None:
    """For how long a forwarder remembers ids: as long as any of its readers asks for."""
    asked = [agent.topic.dedupe for agent in at_work(app, topology) if log.name in agent.topic.names]
    return max((keep for keep in asked if keep is not None), default=None) if asked else milliseconds(A_DAY)
