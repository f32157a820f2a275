"""The pages: they work without any network but this server."""

import re

import pytest

from tests.api.shop import Shop

ELSEWHERE = re.compile(r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//|@import|url\(\s*["']?(?:https?:)?//""")


@pytest.mark.parametrize("page", ["/docs", "/dashboard", "/outbox"])
async def test_a_page_loads_everything_from_here(shop: Shop, page: str) -> None:
    answer = await shop.client.get(page)
    assert answer.status_code == 200
    assert "'self'" in answer.headers["content-security-policy"]
    assert "http" not in answer.headers["content-security-policy"]
    parts = re.findall(r'(?:src|link rel="stylesheet" href)="([^"]+)"', answer.text)
    assert len(parts) >= 2
    for part in parts:
        found = await shop.client.get(part)
        assert found.status_code == 200, part
        assert found.headers["content-type"].split(";")[0] in {"text/javascript", "text/css"}
        if part.endswith(".css"):
            assert not ELSEWHERE.search(found.text), part
    assert not ELSEWHERE.search(answer.text)


async def test_the_interface_is_shown_by_a_swagger_ui_that_knows_openapi_3_1(shop: Shop) -> None:
    script = (await shop.client.get("/docs/swagger-ui-bundle.js")).text
    assert len(script) > 500_000
    assert "SwaggerUIBundle" in script
    assert "3.1" in script
    start = (await shop.client.get("/docs/docs.js")).text
    assert '"/openapi.json"' in start
    assert "validatorUrl: null" in start


async def test_what_the_dashboard_asks_for_is_answered(shop: Shop) -> None:
    script = (await shop.client.get("/dashboard/dashboard.js")).text
    paths = set(re.findall(r'get\("(/[^"]+)"\)', script))
    assert "/readyz" in paths
    for path in paths:
        assert (await shop.client.get(path)).status_code == 200, path


async def test_a_dashboard_without_agents_does_not_say_that_all_is_well(shop: Shop) -> None:
    script = (await shop.client.get("/dashboard/dashboard.js")).text
    assert 'agents.length ? "all is well" : "this process is well; agents run elsewhere"' in script
    assert script.count("all is well") == 1


async def test_five_people_of_one_address_may_go_on_looking_at_the_dashboard(shop: Shop) -> None:
    script = (await shop.client.get("/dashboard/dashboard.js")).text
    assert script.count("showOrders()") == 2
    assert "orderTime() ? showOrders()" in script
    every, statuses = re.search(r"ORDERS_EVERY = (\d+);", script), re.search(r"STATUSES = \[(.*?)\]", script, re.DOTALL)
    assert every
    assert statuses
    first, later = statuses[1].count(","), 60 // int(every[1])
    assert first + later < 100
    assert 5 * later < 100


@pytest.mark.parametrize(
    ("page", "script"), [("/dashboard", "/dashboard/dashboard.js"), ("/outbox", "/outbox/outbox.js")]
)
async def test_what_a_page_imports_is_here(shop: Shop, page: str, script: str) -> None:
    assert f'<script type="module" src="{script}">' in (await shop.client.get(page)).text
    imported = re.findall(r'^import .* from "([^"]+)";$', (await shop.client.get(script)).text, re.MULTILINE)
    assert imported == ["/dashboard/session.js"]
    assert (await shop.client.get(imported[0])).headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("page", ["/dashboard", "/outbox"])
async def test_the_tokens_of_a_page_end_with_it(shop: Shop, page: str) -> None:
    form = (await shop.client.get(page)).text
    assert 'id="login" hidden' in form
    assert 'autocomplete="current-password"' in form
    script = (await shop.client.get("/dashboard/session.js")).text
    assert "/api/auth/login" in script
    assert not re.search(r"localStorage|sessionStorage|indexedDB|cookie|location", script)
