"""The HTTP edge of a process, made from what the process has open."""

from collections.abc import Callable
from importlib.metadata import version

from api.catalog import load_catalog
from api.declared import documents_of, records_of, tables_of
from api.edge import Edge
from streams.status import Status
from warren.system import System, now

GATEWAY = "gateway"
"""The service as which the edge publishes."""


def edge_of(system: System, status: Callable[[], list[Status]] = list) -> Edge:
    """The edge on the system's stores and broker; `status` tells how the agents of this process do."""
    return Edge(
        publisher=system.publisher(GATEWAY),
        views=system.views,
        topology=system.topology,
        catalog=load_catalog(),
        now=now,
        ids=system.ids,
        health=system.broker.health,
        status=status,
        tables=tables_of(system.apps),
        documents=documents_of(system.apps),
        records=records_of(system.apps),
        version=version("warren"),
        opened_accounts=system.accounts.accounts if system.accounts else None,
        auth_required=system.settings.auth == "required",
    )
