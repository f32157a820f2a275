"""The edge in parts."""

from collections.abc import Iterable

import pytest
from fastapi import APIRouter

from agents.registry import AGENTS
from api.endpoints import OPERATIONS, ROUTERS
from warren.settings import Settings, load_settings
from warren.split import GATEWAY, PARTS, open_upstreams, part_of, takes_orders


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WARREN_UPSTREAM_ORDERS", "http://a:1, http://b:1/")
    return load_settings()


async def test_the_gateway_hands_on_what_has_an_address_and_opens_no_store_of_it(settings: Settings) -> None:
    _, stores, routers = part_of(GATEWAY, settings)
    assert set(AGENTS) - set(stores) == {"orders"}
    assert tuple(routers) == ROUTERS
    async with open_upstreams(settings) as upstreams:
        assert set(upstreams) == {"/api/orders", "/api/products"}
        assert [process.url for process in upstreams["/api/orders"].processes] == ["http://a:1", "http://b:1"]


async def test_without_addresses_the_gateway_serves_everything() -> None:
    settings, stores, _ = part_of(GATEWAY, Settings())
    assert list(stores) == list(AGENTS)
    async with open_upstreams(settings) as upstreams:
        assert upstreams == {}


@pytest.mark.parametrize("name", PARTS)
async def test_a_part_hands_nothing_on_and_opens_its_own_stores_alone(settings: Settings, name: str) -> None:
    alone, stores, _ = part_of(name, settings)
    async with open_upstreams(alone) as upstreams:
        assert upstreams == {}
    assert "auth" in stores
    assert set(stores) < set(AGENTS)


def paths_of(routers: Iterable[APIRouter]) -> set[str]:
    return {str(vars(route)["path"]) for router in routers for route in router.routes}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_serves_all_that_is_handed_on_to_it(name: str) -> None:
    part = PARTS[name]
    handed_on = {path for path in paths_of(ROUTERS) if f"{path}/".startswith(tuple(f"{p}/" for p in part.prefixes))}
    assert handed_on == paths_of(part.routers) != set()


def test_only_who_takes_orders_closes_the_seals_of_payment_tokens(settings: Settings) -> None:
    assert not takes_orders(settings, ROUTERS)
    assert takes_orders(Settings(upstream_orders=()), ROUTERS)
    for name in PARTS:
        alone, _, routers = part_of(name, settings)
        assert takes_orders(alone, list(routers)) == (name == "orders")
    assert not takes_orders(Settings(), OPERATIONS)
