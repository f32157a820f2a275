"""What attackers try, by name. Tokens, sessions and guessing: `test_auth*.py`; spoofed addresses and the 101st request:
`test_rates.py`; slow clients: `test_protocol.py`; hostile JSON: `test_requests.py`."""

import re
from typing import Any
from uuid import uuid4

import pytest

from agents.auth.roles import GIVEN
from tests.api.auth_scene import AuthShop

ANYONE = (
    r"/(healthz|readyz|metrics|asyncapi.json)",
    r"POST /api/auth/(register|login|refresh|service-token)",
    r"GET /api/auth/(jwks|ended-sessions).json",
    r"GET /api/products(/.*)?",
)
"""What needs no token."""
EVERYBODY = (
    r"POST /api/auth/logout(-all)?",
    r"[A-Z]+ /api/users/me(/.*)?",
    r"(GET|POST) /api/orders",
    r"(GET|PATCH|DELETE) /api/orders/\{\w+\}(/history)?",
    r"POST /api/orders/\{\w+\}/cancel",
    r"GET /api/notifications",
)
"""What every user may do with what is their own."""
SCOPED = {
    "GET /api/users": {"admin"},
    "PUT /api/users/{id}/roles": {"admin"},
    "POST /api/events/{exchange}/{routing_key}": {"admin"},
    "GET /api/logs/{log}": {"admin"},
    "GET /api/analytics/revenue": {"analyst", "admin"},
    "GET /api/tables": {"analyst", "admin"},
    "GET /api/tables/{table}": {"analyst", "admin"},
    "GET /api/tables/{table}/{key}": {"analyst", "admin"},
}
"""Who may do the rest; what is not named here is refused to customers all the same."""


def is_of(kinds: tuple[str, ...], operation: str) -> bool:
    return any(re.fullmatch(kind, operation) or re.search(f" {kind}$", operation) for kind in kinds)


async def operations(shop: AuthShop) -> list[str]:
    """METHOD /path, of all."""
    paths: dict[str, dict[str, Any]] = (await shop.client.get("/openapi.json")).json()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


async def status(shop: AuthShop, operation: str, headers: dict[str, str]) -> int:
    method, _, path = operation.partition(" ")
    body: dict[str, str] | None = None if method in {"GET", "DELETE"} else {}
    url = re.sub(r"\{\w+\}", str(uuid4()), path)
    return (await shop.client.request(method, url, json=body, headers=headers)).status_code


async def test_the_role_matrix_without_a_token_nothing_is_served_but_what_is_for_anyone(
    guarded_shop: AuthShop,
) -> None:
    for operation in await operations(guarded_shop):
        asks = await status(guarded_shop, operation, {}) == 401
        assert asks != is_of(ANYONE, operation) or operation == "POST /api/auth/refresh", operation


@pytest.mark.parametrize("role", sorted(GIVEN))
async def test_the_role_matrix_over_every_endpoint(guarded_shop: AuthShop, role: str) -> None:
    headers = await guarded_shop.bearer(role)
    every = await operations(guarded_shop)
    assert set(SCOPED) <= set(every)
    for operation in every:
        if is_of(ANYONE, operation) or is_of(EVERYBODY, operation):
            continue
        found = await status(guarded_shop, operation, headers)
        if operation in SCOPED:
            assert (found == 403) == (role not in SCOPED[operation]), (operation, found)
        elif role == "customer":
            assert found == 403, operation


async def test_mass_assignment_what_the_server_decides_cannot_be_sent(auth_shop: AuthShop) -> None:
    answer = await auth_shop.register(roles=["admin"], id=str(uuid4()), version=7, createdAt="2000-01-01T00:00:00Z")
    assert answer.json()["roles"] == ["customer"]
    headers = await auth_shop.bearer()
    body = {"profile": {"firstName": "Hazel"}, "roles": ["admin"], "email": "other@downs.example"}
    changed = (await auth_shop.client.patch("/api/users/me", json=body, headers=headers)).json()
    assert (changed["roles"], changed["profile"]["firstName"]) == (["customer"], "Hazel")
    assert changed["email"] == answer.json()["email"]
