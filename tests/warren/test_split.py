"""The edge in parts."""

import pytest

from agents.registry import AGENTS
from api.endpoints import ROUTERS
from warren.settings import Settings, load_settings
from warren.split import GATEWAY, PARTS, open_upstreams, part_of


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
