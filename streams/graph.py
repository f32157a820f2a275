"""The check of the whole graph before anything runs: what apps declare against what the topology does."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from stores.port import Store
from streams.addressing import Addressing
from streams.agent import Agent
from streams.app import App
from streams.codec import ANY_TYPE
from streams.errors import DeclarationError, SendRefused
from streams.regrouping import stages
from streams.topic import Topic
from topology.errors import TopologyError
from topology.spec import Topology, nearest


def check(apps: Iterable[App], topology: Topology) -> None:
    """Raises DeclarationError with every fault found, each with the place to mend and the nearest name."""
    faults = [fault for app in apps for fault in _faults(app, topology)]
    if faults:
        raise DeclarationError("\n".join(faults))


def check_stores(apps: Iterable[App], stores: Mapping[str, Store], topology: Topology) -> None:
    """Raises DeclarationError where a log agent has a store, by app id, that cannot commit its position and rows."""
    faults = [
        f"agent {app.id}.{agent.name} reads a log, and {stores[app.id].capabilities.name} keeps documents alone: "
        f"give {app.id} a store with commits (postgresql:, sqlite:, …)"
        for app in apps
        for agent in app.agents.values()
        if is_log_agent(agent, topology) and not stores[app.id].capabilities.commits
    ]
    if faults:
        raise DeclarationError("\n".join(faults))


def is_log_agent(agent: Agent, topology: Topology) -> bool:
    """Whether the agent reads a log."""
    return agent.topic.names[0] in topology.logs


def at_work(app: App, topology: Topology) -> Iterator[Agent]:
    """The agents of an app as they run: where one regroups its stream, the two that this makes of it."""
    for agent in app.agents.values():
        yield from stages(agent) if is_log_agent(agent, topology) else (agent,)


def tables_of(agent: Agent, app: App) -> list[str]:
    """The names of the tables that belong to a log agent."""
    return list(app.tables) if agent.tables is None else list(agent.tables)


def _faults(app: App, topology: Topology) -> Iterator[str]:
    try:
        topology.service(app.id)
    except TopologyError as error:
        yield f"app {app.id!r}: {error}"
        return
    read = {id(agent.topic) for agent in app.agents.values()}
    for agent in app.agents.values():
        yield from _unreadable(agent, topology)
        if is_log_agent(agent, topology):
            yield from _unregroupable(agent, topology)
    for topic in app.topics:
        if id(topic) not in read:
            yield from _unsendable(app, topic, topology)
    yield from _unowned(app, topology)
    yield from _unread(app, topology)


def _unreadable(agent: Agent, topology: Topology) -> Iterator[str]:
    names = agent.topic.names
    place = f"agent {agent.service}.{agent.name}"
    for name in names:
        if name not in topology.queues and name not in topology.logs:
            what = "is an exchange: agents read queues and logs" if name in topology.exchanges else "is not declared"
            yield f"{place} reads {name!r}, which {what}{nearest(name, (*topology.queues, *topology.logs))}"
    if len(names) > 1 and any(name in topology.logs for name in names):
        yield f"{place} reads {', '.join(names)}: an agent reads one log, or any number of queues"
    if names[0] in topology.logs and agent.concurrency != 1:
        yield f"{place} reads a log with concurrency {agent.concurrency}: order allows 1; logs scale by partitions"


def _unregroupable(agent: Agent, topology: Topology) -> Iterator[str]:
    for first, second in pairwise(stages(agent)):
        (name, *more), place = second.topic.names, f"agent {agent.service}.{agent.name} groups by a key through"
        if more or name not in topology.logs:
            names = ", ".join(second.topic.names)
            yield f"{place} {names}: it has to be one declared log{nearest(name, topology.logs)}"
        elif name in first.topic.names:
            yield f"{place} {name!r}, the log that it reads: declare another one"


def _unsendable(app: App, topic: Topic[object], topology: Topology) -> Iterator[str]:
    addressing = Addressing(app.id, app.id, topology, 0)
    for event in topic.events() or [""]:
        try:
            addressing.target(topic.names[0], event)
        except SendRefused as error:
            yield str(error)


def _unread(app: App, topology: Topology) -> Iterator[str]:
    """What comes due in a log of the service, and none of its agents there reads."""
    for log in topology.service(app.id).logs:
        topics = [agent.topic for agent in app.agents.values() if log.name in agent.topic.names]
        read = [name for topic in topics for name in topic.decoders]
        for kind in log.due if topics and ANY_TYPE not in read else ():
            if kind not in read:
                yield f"{kind!r} comes due in log {log.name!r}, and no agent of {app.id} reads it{nearest(kind, read)}"


def _unowned(app: App, topology: Topology) -> Iterator[str]:
    logs = [agent for agent in app.agents.values() if is_log_agent(agent, topology)]
    owners: dict[str, list[str]] = {name: [] for name in app.tables}
    for agent in logs:
        if agent.tables is not None or len(logs) == 1:
            for name in tables_of(agent, app):
                owners[name].append(agent.name)
    for name, agents in owners.items():
        if len(agents) != 1:
            known = ", ".join(agents) or "no log agent"
            yield f"table {name!r} of {app.id} belongs to {known}: name it in one agent's tables="
