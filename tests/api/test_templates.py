"""Templates over HTTP: administrators change and try them; nobody else, and nothing that cannot be filled."""

from typing import Any

import pytest

from agents.auth.roles import GIVEN
from agents.notifications.texts.builtin import NAMES
from tests.api.auth_scene import AuthShop
from tests.api.test_auth import problem

PAID = "/api/templates/order_paid"


def texts(text: str, **more: str) -> dict[str, str]:
    return {"subject": text, "text": text, "html": f"<p>{text}</p>", "short": text, **more}


@pytest.fixture
async def admin(auth_shop: AuthShop) -> dict[str, str]:
    return await auth_shop.bearer("admin")


async def test_templates_are_for_administrators_alone(auth_shop: AuthShop) -> None:
    tries: list[tuple[str, str, Any]] = [
        ("GET", "/api/templates", None),
        ("GET", PAID, None),
        ("PUT", PAID, texts("x")),
        ("POST", f"{PAID}/preview", {}),
    ]
    for method, path, body in tries:
        assert (await auth_shop.client.request(method, path, json=body)).status_code == 401
        for role in sorted({*GIVEN} - {"admin"}):
            headers = await auth_shop.bearer(role, email=f"{role}@downs.example")
            answer = await auth_shop.client.request(method, path, json=body, headers=headers)
            assert problem(answer) == (403, "forbidden"), (method, path, role)


async def test_all_templates_are_listed_with_what_they_may_ask_for(auth_shop: AuthShop, admin: dict[str, str]) -> None:
    page = (await auth_shop.client.get("/api/templates", headers=admin)).json()
    assert [item["name"] for item in page["items"]] == list(NAMES)
    assert page["items"][2]["fields"] == ["orderId", "total", "currency"]
    assert page["nextCursor"] is None


async def test_a_template_is_changed_and_its_versions_stay(auth_shop: AuthShop, admin: dict[str, str]) -> None:
    client = auth_shop.client
    first = await client.get(PAID, headers=admin)
    assert (first.json()["version"], first.headers["etag"]) == (1, '"1"')
    put = await client.put(PAID, json=texts("Paid: {{ total }}"), headers={**admin, "If-Match": '"1"'})
    assert (put.status_code, put.json()["version"], put.headers["etag"]) == (200, 2, '"2"')
    assert (await client.get(PAID, headers=admin)).json() == put.json()
    assert (await client.get(PAID, params={"version": 1}, headers=admin)).json() == first.json()
    missing = await client.get(PAID, params={"version": 9}, headers=admin)
    assert problem(missing) == (404, "template_not_found")


@pytest.mark.parametrize("etag", ['"1"', "W/nonsense"])
async def test_who_has_not_read_the_newest_version_changes_nothing(
    auth_shop: AuthShop, admin: dict[str, str], etag: str
) -> None:
    await auth_shop.client.put(PAID, json=texts("a"), headers=admin)
    late = await auth_shop.client.put(PAID, json=texts("b"), headers={**admin, "If-Match": etag})
    assert problem(late) == (412, "stale")
    assert (await auth_shop.client.get(PAID, headers=admin)).json()["text"] == "a"


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        (
            PAID,
            texts("{{ firstName }}"),
            "subject names 'firstName', which never comes; fields of order_paid are orderId",
        ),
        (PAID, texts("{{ total"), "subject, line 1: unexpected end of template"),
        (PAID, texts("{{ ''.__class__ }}"), "a Getattr is none of that"),
        (PAID, texts("ok", html="{{ total | safe }}"), "html, line 1: there is no filter 'safe'"),
        (PAID, texts("{% for n in total %}{% endfor %}"), "a For is none of that"),
        ("/api/templates/order_shipped", texts("{{ 'by ' ~ carrier if carrier < 'b' }}"), "compared by == and !="),
        (PAID, texts("{% if total == '1.00' %}{{ nobody }}{% endif %}"), "subject names 'nobody'"),
        (PAID, texts("{{ total | default(1, 2, 3, 4) }}"), "takes from 1 to 3 positional arguments"),
    ],
)
async def test_what_cannot_be_filled_with_all_that_may_come_is_refused_and_says_why(
    auth_shop: AuthShop, admin: dict[str, str], path: str, body: dict[str, str], why: str
) -> None:
    refused = await auth_shop.client.put(path, json=body, headers=admin)
    assert problem(refused) == (422, "invalid_template")
    assert why in refused.json()["detail"]
    assert (await auth_shop.client.get(path, headers=admin)).json()["version"] == 1


async def test_a_preview_shows_texts_and_keeps_nothing(auth_shop: AuthShop, admin: dict[str, str]) -> None:
    client, path = auth_shop.client, "/api/templates/welcome"
    shown = await client.post(f"{path}/preview", json={}, headers=admin)
    assert shown.json()["subject"] == "Welcome, Hazel"
    body = {"texts": texts("Hi {{ firstName }}"), "data": {"firstName": "<b>{{ 7 * 7 }}"}}
    shown = await client.post(f"{path}/preview", json=body, headers=admin)
    assert shown.json() == {
        "subject": "Hi <b>{{ 7 * 7 }}",
        "text": "Hi <b>{{ 7 * 7 }}",
        "html": "<p>Hi &lt;b&gt;{{ 7 * 7 }}</p>",
        "short": "Hi <b>{{ 7 * 7 }}",
    }
    assert (await client.get(path, headers=admin)).json()["version"] == 1
    assert auth_shop.shop.weather.seen == []
    refused = await client.post(f"{path}/preview", json={"texts": texts("{{ 9 ** 9 }}")}, headers=admin)
    assert problem(refused) == (422, "invalid_template")
    refused = await client.post(f"{path}/preview", json={"data": {"frstName": "x"}}, headers=admin)
    assert "welcome has no field 'frstName': fields are firstName" in refused.json()["detail"]


async def test_a_template_that_there_is_not_is_404_with_a_hint(auth_shop: AuthShop, admin: dict[str, str]) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/preview")):
        body = texts("x") if method == "PUT" else {}
        answer = await auth_shop.client.request(method, f"/api/templates/wlcome{path}", json=body, headers=admin)
        assert problem(answer) == (404, "template_not_found")
        assert "did you mean 'welcome'?" in answer.json()["detail"]
