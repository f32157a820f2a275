"""What there is to be done on the logs of a service: a duty for each agent and partition, and for each forwarder."""

from collections.abc import Iterator

from streams.app import App
from streams.forwarder import Forwarder
from streams.graph import is_log_agent, tables_of
from streams.hold import Duty
from streams.log_agent import LogAgent
from streams.regrouping import stages
from streams.source import sources
from streams.surroundings import Surroundings
from streams.topic import A_DAY
from streams.windows import milliseconds
from topology.spec import Log


def duties(app: App, around: Surroundings) -> Iterator[Duty]:
    """The slots of a service."""
    topology = around.topology
    for log in topology.service(app.id).logs:
        if log.partitions > 1:
            yield Forwarder(log, app.id, _dedupe(app, log), around)
    for agent in app.agents.values():
        if is_log_agent(agent, topology):
            for stage in stages(agent):
                tables = [app.tables[name] for name in tables_of(stage, app)]
                for source in sources(topology.logs[stage.topic.names[0]]):
                    yield LogAgent(stage, source, tables, around)


def _dedupe(app: App, log: Log) -> int | None:
    """For how long a forwarder remembers ids: as long as any of its readers asks for."""
    reading = (stage for agent in app.agents.values() for stage in stages(agent))
    asked = [stage.topic.dedupe for stage in reading if log.name in stage.topic.names]
    return max((keep for keep in asked if keep is not None), default=None) if asked else milliseconds(A_DAY)
