"""What there is to be done on the logs that an app reads: a duty for each agent and partition."""

from collections.abc import Iterator

from streams.app import App
from streams.graph import is_log_agent, tables_of
from streams.hold import Duty
from streams.log_agent import LogAgent
from streams.surroundings import Surroundings


def duties(app: App, around: Surroundings) -> Iterator[Duty]:
    """The slots of a service."""
    for agent in app.agents.values():
        if is_log_agent(agent, around.topology):
            yield LogAgent(agent, 0, [app.tables[name] for name in tables_of(agent, app)], around)
