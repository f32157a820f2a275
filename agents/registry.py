"""Every service of the shop that keeps something: one line each."""

from collections.abc import Iterable
from importlib import import_module

from streams import App

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
"""Service -> the module whose `app` it is. Loaded only where the service runs."""


def load(services: Iterable[str] = AGENTS) -> list[App]:
    """The apps of these services. Raises KeyError for one that has none."""
    apps: list[App] = [import_module(AGENTS[service]).app for service in services]
    return apps
