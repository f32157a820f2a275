"""The endpoints: a file for each group, and one line here."""

from typing import Final

from fastapi import APIRouter

from api.endpoints import (
    analytics,
    asyncapi,
    auth,
    changes,
    dashboard,
    dead_letters,
    docs,
    events,
    live,
    logs,
    notifications,
    operations,
    order_commands,
    orders,
    outbox,
    products,
    service,
    tables,
    templates,
    users,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    events.router,  # asked most, and looked through in this order
    auth.router,
    service.router,
    users.router,
    products.router,
    orders.router,
    order_commands.router,
    logs.router,
    analytics.router,
    live.router,
    notifications.router,
    templates.router,
    tables.router,
    changes.router,
    dead_letters.router,
    operations.router,
    asyncapi.router,
    dashboard.router,
    docs.router,
    outbox.router,
)
"""All that the edge serves."""
OPERATIONS: Final[tuple[APIRouter, ...]] = (operations.router,)
"""What a process without an edge serves of itself."""
