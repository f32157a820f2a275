"""Coming and going over HTTP: accounts, logins, tokens."""

import asyncio
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.auth.accounts import Accounts
from agents.auth.database import open_database
from tests.agents.auth.scene import EMAIL, PASSWORD, Clock, fast_passwords, told
from tests.api.auth_scene import AuthShop, header
from tests.api.shop import Shop, open_shop


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_a_user_registers_logs_in_and_reads_who_they_are(auth_shop: AuthShop) -> None:
    answer = await auth_shop.register(profile={"firstName": "Hazel"})
    assert answer.status_code == 201
    user = answer.json()
    assert set(user) == {"id", "email", "roles", "profile", "createdAt", "updatedAt"}
    assert user["profile"] == {"firstName": "Hazel", "lastName": None, "phone": None}
    answer = await auth_shop.login()
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert set(tokens) == {"accessToken", "refreshToken", "tokenType", "expiresIn"}
    assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", 600)
    me = await auth_shop.client.get("/api/users/me", headers=header(tokens["accessToken"]))
    assert me.json() == user


async def test_an_account_is_made_once(auth_shop: AuthShop) -> None:
    await auth_shop.register()
    assert problem(await auth_shop.register(EMAIL.upper())) == (409, "email_taken")


async def test_mass_assignment_nobody_gives_themselves_a_role(auth_shop: AuthShop) -> None:
    own: dict[str, Any] = {
        "roles": ["admin"],
        "id": "0" * 32,
        "version": 9,
        "profile": {"firstName": "H", "roles": ["admin"]},
    }
    user = (await auth_shop.register(**own)).json()
    assert user["roles"] == ["customer"]
    headers = await auth_shop.bearer()
    changes = {"roles": ["admin"], "email": "x@y.example", "profile": {"phone": "1", "roles": ["admin"]}}
    changed = (await auth_shop.client.patch("/api/users/me", json=changes, headers=headers)).json()
    assert (changed["roles"], changed["email"], changed["profile"]["phone"]) == (["customer"], EMAIL, "1")
    assert (await auth_shop.accounts.caller(headers["Authorization"][7:])).roles == ("customer",)


@pytest.mark.parametrize(
    ("email", "password"),
    [("hazel", PASSWORD), ("a b@c", PASSWORD), ("", PASSWORD), (EMAIL, "short"), (EMAIL, "x" * 201), (None, PASSWORD)],
)
async def test_what_is_no_account_is_refused_without_saying_the_password(
    auth_shop: AuthShop, email: str | None, password: str
) -> None:
    answer = await auth_shop.client.post("/api/auth/register", json={"email": email, "password": password})
    assert problem(answer) == (422, "invalid_request")
    assert password not in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/auth/register", r'{"email": "fiver@downs.example", "password": "half a character \ud800"}'),
        ("/api/auth/login", r'{"email": "hazel@downs.example", "password": "half a character \ud800"}'),
        ("/api/auth/refresh", r'{"refreshToken": "\ud800"}'),
        ("/api/auth/service-token", r'{"secret": "\udc00", "part": "orders"}'),
    ],
)
async def test_a_secret_with_half_a_character_is_refused(auth_shop: AuthShop, path: str, body: str) -> None:
    answer = await auth_shop.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert problem(answer) == (422, "invalid_request")


async def test_a_failed_login_is_the_same_401_whatever_is_wrong(auth_shop: AuthShop) -> None:
    await auth_shop.register()
    answers = [
        await auth_shop.login(password="wrong password"),
        await auth_shop.login("nobody@downs.example"),
        await auth_shop.login("no address"),
        await auth_shop.login("' OR 1=1 --", "' OR 1=1 --"),
    ]
    assert {problem(answer) for answer in answers} == {(401, "wrong_credentials")}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert all(answer.headers["www-authenticate"] == "Bearer" for answer in answers)


async def test_guessing_a_password_is_limited_for_one_account_and_place(auth_shop: AuthShop) -> None:
    await auth_shop.register()
    for _ in range(10):
        assert (await auth_shop.login(password="wrong password")).status_code == 401
    answer = await auth_shop.login(f" {EMAIL.upper()}")
    assert problem(answer) == (429, "too_many_tries")
    assert 290 <= int(answer.headers["retry-after"]) <= 300
    await auth_shop.register("bigwig@downs.example")
    assert (await auth_shop.login("bigwig@downs.example")).status_code == 200


async def test_a_login_that_succeeds_forgives_those_that_failed(auth_shop: AuthShop) -> None:
    await auth_shop.register()
    for _ in range(2):
        for _ in range(9):
            await auth_shop.login(password="wrong password")
        assert (await auth_shop.login()).status_code == 200


async def test_a_refresh_token_is_used_once_and_its_second_use_ends_the_family(auth_shop: AuthShop) -> None:
    await auth_shop.register()
    first = (await auth_shop.login()).json()
    second = await auth_shop.refresh(first["refreshToken"])
    assert second.status_code == 200
    assert problem(await auth_shop.refresh(first["refreshToken"])) == (401, "token_refused")
    assert problem(await auth_shop.refresh(second.json()["refreshToken"])) == (401, "token_refused")
    me = await auth_shop.client.get("/api/users/me", headers=header(second.json()["accessToken"]))
    assert problem(me) == (401, "token_refused")


async def test_of_twenty_parallel_refreshes_one_is_answered_with_tokens(auth_shop: AuthShop) -> None:
    await auth_shop.register()
    token = (await auth_shop.login()).json()["refreshToken"]
    answers = await asyncio.gather(*(auth_shop.refresh(token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19


async def test_logging_out_ends_this_session_and_logging_out_everywhere_all(auth_shop: AuthShop) -> None:
    await auth_shop.register()
    here, there, elsewhere = [(await auth_shop.login()).json() for _ in range(3)]
    answer = await auth_shop.client.post("/api/auth/logout", headers=header(here["accessToken"]))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await auth_shop.refresh(here["refreshToken"])).status_code == 401
    assert (await auth_shop.client.get("/api/users/me", headers=header(here["accessToken"]))).status_code == 401
    answer = await auth_shop.client.post("/api/auth/logout-all", headers=header(there["accessToken"]))
    assert answer.status_code == 204
    for tokens in (there, elsewhere):
        assert (await auth_shop.client.get("/api/users/me", headers=header(tokens["accessToken"]))).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic aGF6ZWw6"}, {"Authorization": "Bearer"}])
async def test_without_a_token_the_answer_says_how_to_send_one(auth_shop: AuthShop, headers: dict[str, str]) -> None:
    answer = await auth_shop.client.get("/api/users/me", headers=headers)
    assert problem(answer) == (401, "token_required")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["x", "e30.e30.e30", "a b", "é"])
async def test_with_a_token_that_does_not_count_the_answer_is_401(auth_shop: AuthShop, token: str) -> None:
    answer = await auth_shop.client.get("/api/users/me", headers={b"Authorization": f"Bearer {token}".encode()})
    assert problem(answer) == (401, "token_refused")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_public_keys_may_be_cached_and_are_public(auth_shop: AuthShop) -> None:
    answer = await auth_shop.client.get("/api/auth/jwks.json")
    (key,) = answer.json()["keys"]
    assert (key["alg"], key["crv"], "d" in key) == ("EdDSA", "Ed25519", False)
    assert answer.headers["cache-control"] == "public, max-age=60"


async def test_events_bear_the_request_s_id(auth_shop: AuthShop) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    await auth_shop.client.post("/api/auth/register", json=body, headers={"X-Request-ID": "request-7"})
    (row,) = await told(auth_shop.database)
    assert row.correlation_id == "request-7"


async def test_neither_passwords_nor_tokens_are_logged(auth_shop: AuthShop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as lines:
        await auth_shop.register()
        tokens = (await auth_shop.login()).json()
        await auth_shop.login(password="another secret password")
        await auth_shop.client.get("/api/users/me", headers=header(tokens["accessToken"]))
        await auth_shop.refresh(tokens["refreshToken"])
        await auth_shop.refresh(tokens["refreshToken"])
        await auth_shop.client.get("/api/users/me", headers=header(tokens["accessToken"][:-1]))
    logged = f"{lines} {[record.getMessage() for record in caplog.records]}"
    assert logged.count("/api/auth/refresh") >= 2
    assert "sqlite" in logged
    for secret in (PASSWORD, "another secret password", tokens["accessToken"], tokens["refreshToken"]):
        assert secret not in logged
    assert tokens["accessToken"].split(".")[2] not in logged


async def test_a_process_without_accounts_says_so(shop: Shop) -> None:
    answer = await shop.client.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
    assert problem(answer) == (503, "not_served")


async def test_a_database_that_is_away_is_503_and_to_be_tried_again() -> None:
    gone = Accounts(
        open_database("postgresql://warren@127.0.0.1:1/warren"), fast_passwords(), now=Clock(), chance=Random(1)
    )
    async with open_shop(opened_accounts=gone) as shop:
        answer = await shop.client.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
    assert problem(answer) == (503, "accounts_unavailable")
    assert answer.headers["retry-after"]
    await gone.close()
