"""Roles, and what each may do."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Role(StrEnum):
    """What somebody is to the shop."""

    CUSTOMER = "customer"
    SUPPORT = "support"
    WAREHOUSE = "warehouse"
    ANALYST = "analyst"
    ADMIN = "admin"
    SERVICE = "service"


GIVEN: Final = frozenset(Role) - {Role.SERVICE}
"""The roles that users can be given."""

SCOPES: Final[Mapping[Role, frozenset[str]]] = {
    Role.CUSTOMER: frozenset(),
    Role.SUPPORT: frozenset({"orders:read:any", "orders:cancel", "orders:refund"}),
    Role.WAREHOUSE: frozenset({"orders:ship", "orders:deliver", "products:write"}),
    Role.ANALYST: frozenset({"analytics:read", "tables:read"}),
    Role.ADMIN: frozenset(
        {
            "analytics:read",
            "dead-letters:admin",
            "events:publish",
            "logs:read",
            "notifications:read:any",
            "tables:read",
            "templates:admin",
            "users:admin",
        }
    ),
    Role.SERVICE: frozenset({"events:publish"}),
}
"""What a role may do beyond what everybody may do with what is their own."""


@lru_cache(1_024)
def scopes_of(roles: tuple[str, ...]) -> frozenset[str]:
    """All that these roles may do together; unknown roles may do nothing."""
    known = [Role(role) for role in roles if role in frozenset(Role)]
    return frozenset().union(*(SCOPES[role] for role in known))
