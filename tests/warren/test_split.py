"""The edge in parts."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from fastapi import APIRouter

from agents.registry import AGENTS
from api.endpoints import OPERATIONS, ROUTERS
from warren.edge import edge_of
from warren.errors import SettingsError
from warren.settings import Settings, embedded_settings, load_settings
from warren.split import GATEWAY, PARTS, TABLES, handed_on, open_upstreams, share_of, takes_orders
from warren.system import open_system


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WARREN_AUTH", "required")
    monkeypatch.setenv("WARREN_UPSTREAM_AUTH", "http://c:1")
    monkeypatch.setenv("WARREN_UPSTREAM_ORDERS", "http://a:1, http://b:1/")
    monkeypatch.setenv("WARREN_SERVICE_SECRETS", "x" * 32)
    return load_settings()


async def test_the_gateway_hands_on_what_has_an_address_and_opens_no_store_of_it(settings: Settings) -> None:
    share = share_of(GATEWAY, settings)
    assert set(AGENTS) - set(share.services) == {"orders", "auth"}
    assert (share.routers, share.part) == (ROUTERS, None)
    async with open_upstreams(share.settings) as upstreams:
        prefixes = handed_on(upstreams, {"orders": "orders", "welcomes": "auth", "revenue": "analytics"})
        served = {"/api/orders", "/api/products", "/api/auth", "/api/users"}
        assert set(prefixes) == served | {"/api/tables/orders", "/api/tables/welcomes"}
        assert [process.url for process in prefixes["/api/orders"].processes] == ["http://a:1", "http://b:1"]


async def test_without_addresses_the_gateway_serves_everything() -> None:
    share = share_of(GATEWAY, Settings())
    assert list(share.services) == list(AGENTS)
    async with open_upstreams(share.settings) as upstreams:
        assert upstreams == {}


@pytest.mark.parametrize("name", PARTS)
async def test_a_part_hands_nothing_on_and_opens_its_own_stores_alone(settings: Settings, name: str) -> None:
    share = share_of(name, settings)
    async with open_upstreams(share.settings) as upstreams:
        assert set(upstreams) == (set() if name == "auth" else {"auth"})  # to ask who is calling
    assert ("auth" in share.services) == (name == "auth")
    assert set(share.services) < set(AGENTS)
    assert (share.part, share.settings.rate_limit) == (name, 0)


@pytest.mark.parametrize("name", PARTS)
def test_where_nobody_is_asked_who_they_are_a_part_serves_whoever_reaches_it(settings: Settings, name: str) -> None:
    share = share_of(name, settings.model_copy(update={"auth": "off"}))
    assert (share.part, share.settings.rate_limit) == (None, 100)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        (GATEWAY, "upstream_auth"),
        (GATEWAY, "service_secrets"),
        ("auth", "service_secrets"),
        ("orders", "upstream_auth"),
        ("analytics", "upstream_auth"),
    ],
)
def test_a_part_that_could_know_no_caller_says_which_setting_is_missing(
    settings: Settings, name: str, missing: str
) -> None:
    with pytest.raises(SettingsError, match=f"WARREN_{missing.upper()} is missing: .* auth"):
        share_of(name, settings.model_copy(update={missing: ()}))


def paths_of(routers: Iterable[APIRouter]) -> set[str]:
    return {str(vars(route)["path"]) for router in routers for route in router.routes}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_serves_all_that_is_handed_on_to_it(name: str) -> None:
    part = PARTS[name]
    handed_on = {path for path in paths_of(ROUTERS) if f"{path}/".startswith(tuple(f"{p}/" for p in part.prefixes))}
    assert handed_on == paths_of(part.routers) != set()


@pytest.mark.parametrize("name", PARTS)
def test_a_part_serves_the_tables_of_its_services_too(settings: Settings, name: str) -> None:
    served = paths_of(share_of(name, settings).routers)
    assert paths_of(TABLES) <= served
    assert "/api/tables/{table}/{key:path}" in served


def test_only_who_takes_orders_closes_the_seals_of_payment_tokens(settings: Settings) -> None:
    assert not takes_orders(settings, ROUTERS)
    assert takes_orders(Settings(upstream_orders=()), ROUTERS)
    for name in PARTS:
        share = share_of(name, settings)
        assert takes_orders(share.settings, share.routers) == (name == "orders")
    assert not takes_orders(Settings(), OPERATIONS)


async def test_what_is_read_elsewhere_is_known_at_the_gateway_all_the_same(tmp_path: Path) -> None:
    """Events are checked by what analytics read them as, and their tables have their address."""
    settings = embedded_settings(tmp_path).model_copy(update={"upstream_analytics": ("http://a:1",)})
    async with open_system(settings, [GATEWAY]) as system, open_upstreams(settings) as upstreams:
        edge = edge_of(system, upstreams=upstreams)
        assert edge.records["user.activity.product_viewed"]
        assert edge.gateway.upstreams["/api/tables/revenue"] is upstreams["analytics"]
        assert not edge.reads("analytics")
