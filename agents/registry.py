"""Every service of the shop that keeps something: one line each."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec

from streams import App, Record

AGENTS: dict[str, str] = {
    "auth": "agents.auth.agent",
    "orders": "agents.orders.agent",
    "inventory": "agents.inventory.agent",
    "payments": "agents.payments.agent",
    "notifications": "agents.notifications.agent",
    "analytics": "agents.analytics.agent",
    "shared": "agents.deadletters.agent",
    "gateway": "agents.gateway.tables",
}
"""Service -> the module whose `app` it is: loaded where the service runs, and by the edge, which knows all tables."""


def load(services: Iterable[str] = AGENTS) -> list[App]:
    """The apps of these services. Raises KeyError for one that has none."""
    apps: list[App] = [import_module(AGENTS[service]).app for service in services]
    return apps


def catalogue() -> dict[str, tuple[type[Record], ...]]:
    """Every event and command that services declare in their `events`: name -> records, in the order of services."""
    found: dict[str, tuple[type[Record], ...]] = {}
    for record in _declared():
        name = record.__event__
        if name is not None and record not in found.get(name, ()):
            found[name] = (*found.get(name, ()), record)
    return found


def _declared() -> Iterator[type[Record]]:
    for module in AGENTS.values():
        events = f"{module.rpartition('.')[0]}.events"
        if find_spec(events) is not None:
            declared = vars(import_module(events)).values()
            yield from (one for one in declared if isinstance(one, type) and issubclass(one, Record))
