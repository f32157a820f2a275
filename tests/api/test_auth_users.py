"""Users over HTTP: what they do with themselves, and what administrators do with all."""

import pytest

from agents.auth.roles import GIVEN
from tests.agents.auth.scene import EMAIL, PASSWORD, told
from tests.api.auth_scene import ADMIN, AuthShop
from tests.api.test_auth import problem


async def test_a_profile_changes_while_nobody_else_has_changed_it(auth_shop: AuthShop) -> None:
    headers = await auth_shop.bearer()
    read = await auth_shop.client.get("/api/users/me", headers=headers)
    body = {"profile": {"firstName": "Hazel", "phone": "+44 1"}}
    own = {**headers, "If-Match": read.headers["etag"]}
    changed = await auth_shop.client.patch("/api/users/me", json=body, headers=own)
    assert changed.status_code == 200
    assert changed.json()["profile"] == {"firstName": "Hazel", "lastName": None, "phone": "+44 1"}
    assert changed.headers["etag"] != read.headers["etag"]
    assert problem(await auth_shop.client.patch("/api/users/me", json=body, headers=own)) == (412, "stale")
    part = await auth_shop.client.patch("/api/users/me", json={"profile": {"phone": None}}, headers=headers)
    assert part.json()["profile"] == {"firstName": "Hazel", "lastName": None, "phone": None}


@pytest.mark.parametrize("etag", ["1", 'W/"1"', '"x"', '""'])
async def test_what_was_never_an_etag_is_stale(auth_shop: AuthShop, etag: str) -> None:
    headers = {**await auth_shop.bearer(), "If-Match": etag}
    answer = await auth_shop.client.patch("/api/users/me", json={"profile": {}}, headers=headers)
    assert problem(answer) == (412, "stale")


async def test_a_password_change_ends_every_session(auth_shop: AuthShop) -> None:
    headers = await auth_shop.bearer()
    tokens = (await auth_shop.login()).json()
    wrong = {"currentPassword": "not this one", "newPassword": "a new password"}
    answer = await auth_shop.client.put("/api/users/me/password", json=wrong, headers=headers)
    assert problem(answer) == (403, "wrong_password")
    right = {"currentPassword": PASSWORD, "newPassword": "a new password"}
    answer = await auth_shop.client.put("/api/users/me/password", json=right, headers=headers)
    assert answer.status_code == 200
    assert (await auth_shop.client.get("/api/users/me", headers=headers)).status_code == 401
    assert (await auth_shop.refresh(tokens["refreshToken"])).status_code == 401
    assert (await auth_shop.login()).status_code == 401
    assert (await auth_shop.login(password="a new password")).status_code == 200


async def test_the_current_password_is_not_to_be_guessed_either(auth_shop: AuthShop) -> None:
    headers = await auth_shop.bearer()
    wrong = {"currentPassword": "not this one", "newPassword": "a new password"}
    answers = [await auth_shop.client.put("/api/users/me/password", json=wrong, headers=headers) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]


async def test_preferences_are_kept_and_told(auth_shop: AuthShop) -> None:
    body = {"channels": {"email": False, "sms": True, "push": False}}
    headers = await auth_shop.bearer()
    answer = await auth_shop.client.put("/api/users/me/notification-preferences", json=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, body)
    assert (await told(auth_shop.database))[-1].type == "user.preferences_changed"


async def test_administrators_list_users_in_pages_and_find_one_by_e_mail_address(auth_shop: AuthShop) -> None:
    headers = await auth_shop.bearer("admin", email=ADMIN)
    for n in range(4):
        await auth_shop.register(f"rabbit{n}@downs.example")
    first = (await auth_shop.client.get("/api/users?limit=3", headers=headers)).json()
    rest = (await auth_shop.client.get(f"/api/users?limit=3&cursor={first['nextCursor']}", headers=headers)).json()
    assert (len(first["items"]), len(rest["items"]), rest["nextCursor"]) == (3, 2, None)
    found = (await auth_shop.client.get("/api/users?email=Rabbit2@downs.example", headers=headers)).json()
    assert [user["email"] for user in found["items"]] == ["rabbit2@downs.example"]
    assert "password" not in str(first).lower()


async def test_roles_are_given_by_administrators(auth_shop: AuthShop) -> None:
    admin = await auth_shop.bearer("admin", email=ADMIN)
    user = (await auth_shop.register()).json()
    path = f"/api/users/{user['id']}/roles"
    given = await auth_shop.client.put(path, json={"roles": sorted(GIVEN)}, headers=admin)
    assert given.json()["roles"] == sorted(GIVEN)
    refused = await auth_shop.client.put(path, json={"roles": ["service"]}, headers=admin)
    assert problem(refused) == (422, "invalid_request")
    nobody = "/api/users/00000000-0000-0000-0000-000000000000/roles"
    assert problem(await auth_shop.client.put(nobody, json={"roles": []}, headers=admin)) == (404, "user_not_found")


@pytest.mark.parametrize("role", sorted(GIVEN - {"admin"}))
async def test_nobody_else_may_do_what_administrators_do(auth_shop: AuthShop, role: str) -> None:
    headers = await auth_shop.bearer(role)
    id = (await auth_shop.client.get("/api/users/me", headers=headers)).json()["id"]
    assert problem(await auth_shop.client.get("/api/users", headers=headers)) == (403, "forbidden")
    answer = await auth_shop.client.put(f"/api/users/{id}/roles", json={"roles": ["admin"]}, headers=headers)
    assert problem(answer) == (403, "forbidden")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/users/me"),
        ("PATCH", "/api/users/me"),
        ("PUT", "/api/users/me/password"),
        ("PUT", "/api/users/me/notification-preferences"),
        ("GET", "/api/users"),
        ("PUT", "/api/users/00000000-0000-0000-0000-000000000000/roles"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/logout-all"),
    ],
)
async def test_accounts_always_ask_who_is_calling(auth_shop: AuthShop, method: str, path: str) -> None:
    body = {
        "profile": {},
        "currentPassword": "x",
        "newPassword": PASSWORD,
        "roles": [],
        "channels": {"email": True, "sms": True, "push": True},
    }
    answer = await auth_shop.client.request(method, path, json=None if method == "GET" else body)
    assert problem(answer) == (401, "token_required")
    assert EMAIL not in answer.text
