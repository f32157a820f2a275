"""An edge in parts: who is let in, by whom tokens are proven, and what still works while a part is away.

Roles, through the gateway as without one: `test_security.py`, `test_auth_guards.py`. Breakers: `test_proxying.py`.
"""

from collections.abc import AsyncIterator
from urllib.parse import unquote
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.auth.keys import Key
from agents.auth.service_tokens import SERVICE_LIFE, service_token
from agents.auth.tokens import ACCESS_LIFE
from api.app import create_app
from api.published import ENDED, JWKS
from api.service_passes import PATH, SERVICE_TOKEN
from tests.agents.auth.scene import EMAIL, MINUTE, PASSWORD, Clock
from tests.api.auth_scene import header
from tests.api.shop import order
from tests.api.split_scene import SECRET, Split, open_split
from tests.api.test_auth import problem
from tests.api.test_tables import keep, takings

SECOND = 1_000
OWN = {"auth": "/api/users/me", "orders": "/api/orders", "analytics": "/api/analytics/funnel"}
"""Of each part, a path that asks who is calling."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def split(clock: Clock) -> AsyncIterator[Split]:
    async with open_split(clock=clock) as split:
        yield split


async def ask(split: Split, part: str, token: str | None, path: str | None = None) -> httpx.Response:
    """A request to a part itself, with a service token."""
    headers = {} if token is None else {SERVICE_TOKEN: token}
    async with split.past_the_gateway(part) as client:
        return await client.get(path or OWN[part], headers=headers)


async def given(split: Split, part: str, secret: str = SECRET) -> httpx.Response:
    async with split.past_the_gateway("auth") as client:
        return await client.post(PATH, json={"secret": secret, "part": part})


# --- who is let in ---


@pytest.mark.parametrize("part", OWN)
async def test_a_part_serves_nobody_who_has_gone_past_the_gateway(split: Split, part: str) -> None:
    async with split.past_the_gateway(part) as client:
        bearer = await split.shop.bearer("admin")
        answer = await client.get(OWN[part], headers=bearer)
        assert problem(answer) == (401, "service_token_required")
        assert (await client.get("/healthz")).status_code == 200
        token = (await given(split, part)).json()["serviceToken"]
        answer = await client.get(OWN[part], headers={**bearer, SERVICE_TOKEN: token})
        assert answer.status_code == 200, answer.text


async def test_a_service_token_is_for_one_part_and_a_minute(split: Split, clock: Clock) -> None:
    token = (await given(split, "orders")).json()["serviceToken"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ("orders", SERVICE_LIFE)
    assert problem(await ask(split, "orders", token)) == (401, "token_required")  # the user's, that is
    assert problem(await ask(split, "analytics", token)) == (401, "service_token_required")
    clock.forward(MINUTE)
    assert problem(await ask(split, "orders", token)) == (401, "service_token_required")


async def test_one_kind_of_token_is_never_taken_for_the_other(split: Split) -> None:
    access = (await split.shop.bearer("admin"))["Authorization"].removeprefix("Bearer ")
    assert problem(await ask(split, "orders", access)) == (401, "service_token_required")
    service = (await given(split, "orders")).json()["serviceToken"]
    answer = await split.shop.client.get("/api/orders", headers=header(service))
    assert problem(answer) == (401, "token_refused")


async def test_forged_service_tokens_are_refused(split: Split, clock: Clock) -> None:
    key = await split.shop.accounts.keys.signing()
    good = service_token("orders", key, issuer="warren", now=clock(), chance=_Chance())
    assert problem(await ask(split, "orders", good)) == (401, "token_required")
    claims = jwt.decode(good, options={"verify_signature": False})
    head = {"kid": key.id, "typ": "service+jwt"}
    stranger = Key(key.id, Ed25519PrivateKey.generate(), signs=True)
    forged = [
        jwt.encode(claims, "", "none", head),
        jwt.encode(claims, key.public.public_bytes_raw(), "HS256", head),
        service_token("orders", stranger, issuer="warren", now=clock(), chance=_Chance()),
        service_token("orders", key, issuer="another", now=clock(), chance=_Chance()),
        jwt.encode(claims, key.private, "EdDSA", {**head, "typ": "at+jwt"}),
        jwt.encode({**claims, "sub": "orders"}, key.private, "EdDSA", head),
        jwt.encode({**claims, "exp": "soon"}, key.private, "EdDSA", head),
        jwt.encode({name: claims[name] for name in claims if name != "exp"}, key.private, "EdDSA", head),
        "x",
    ]
    for token in forged:
        assert problem(await ask(split, "orders", token)) == (401, "service_token_required"), token


async def test_what_a_client_says_to_be_a_service_token_is_not_handed_on(split: Split) -> None:
    headers = {**(await split.shop.bearer()), SERVICE_TOKEN: "mine"}
    assert (await split.shop.client.get("/api/orders", headers=headers)).status_code == 200


async def test_service_tokens_are_given_for_the_secret_alone_and_not_through_the_gateway(split: Split) -> None:
    assert problem(await given(split, "orders", "")) == (401, "wrong_credentials")
    assert problem(await given(split, "orders", SECRET.upper())) == (401, "wrong_credentials")
    assert (await given(split, "elsewhere")).status_code == 422
    answer = await split.shop.client.post(PATH, json={"secret": SECRET, "part": "orders"})
    assert problem(answer) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/api/auth/./service-token",
        "/api/users/../auth/service-token",
        "/api/users/%2e%2e/auth/service-token",
        "/api/auth/x/%2E./service-token",
        "/api/auth/service%2Dtoken",
    ],
)
async def test_no_path_is_handed_on_that_means_another_one_behind_the_gateway(split: Split, path: str) -> None:
    """Or whoever likes guesses the gateway's secret, until the gateway itself has guessed too often."""
    client = split.shop.client
    request = client.build_request("POST", "/", json={"secret": "a guess", "part": "orders"})
    request.url = _Raw(client.base_url, path)
    assert problem(await client.send(request)) == (404, "not_found")
    assert split.doors["auth"].asked == []


class _Raw(httpx.URL):
    """An address whose path stands as it was written."""

    def __init__(self, base: httpx.URL, path: str) -> None:
        super().__init__(base)
        self._written = path

    @property
    def path(self) -> str:
        return unquote(self._written)

    @property
    def raw_path(self) -> bytes:
        return self._written.encode()


async def test_secrets_cannot_be_guessed_for_long(split: Split) -> None:
    answers = [await given(split, "orders", f"guess {n}") for n in range(11)]
    assert problem(answers[-1]) == (429, "too_many_tries")


async def test_a_gateway_with_another_secret_reaches_no_part(clock: Clock) -> None:
    async with open_split(clock=clock, secret="another") as split:
        answer = await split.shop.client.get("/api/products")
        assert problem(answer) == (503, "accounts_unavailable")
        assert "database" not in answer.json()["detail"]  # of which nobody here knows anything


# --- tokens, proven by what auth publishes ---


async def test_the_gateway_asks_for_a_service_token_twice_a_minute_however_many_requests(
    split: Split, clock: Clock
) -> None:
    for _ in range(60):
        assert (await split.shop.client.get("/api/products")).status_code == 200
        clock.forward(SECOND)
    assert split.doors["auth"].asked.count(PATH) == 2


async def test_a_session_that_has_ended_counts_no_more_in_any_part_within_a_second(split: Split, clock: Clock) -> None:
    bearer = await split.shop.bearer("analyst")
    for path in ("/api/orders", "/api/analytics/funnel"):
        assert (await split.shop.client.get(path, headers=bearer)).status_code == 200
    assert (await split.shop.client.post("/api/auth/logout", headers=bearer)).status_code == 204
    clock.forward(SECOND)
    for path in OWN.values():
        assert problem(await split.shop.client.get(path, headers=bearer)) == (401, "token_refused"), path


async def test_a_new_key_logs_nobody_out_of_any_part(split: Split, clock: Clock) -> None:
    old = await split.shop.bearer()
    assert (await split.shop.client.get("/api/orders", headers=old)).status_code == 200
    clock.forward(2 * SECOND)
    await split.shop.accounts.keys.rotate()
    new = await split.shop.bearer()
    for bearer in (old, new):
        assert (await split.shop.client.get("/api/orders", headers=bearer)).status_code == 200


async def test_tokens_with_unknown_keys_make_a_part_look_once_a_second_at_most(split: Split, clock: Clock) -> None:
    key = Key("unknown", Ed25519PrivateKey.generate(), signs=True)
    token = jwt.encode({"sub": str(uuid4())}, key.private, "EdDSA", {"kid": key.id, "typ": "at+jwt"})
    for _ in range(20):
        answer = await split.shop.client.get("/api/orders", headers=header(token))
        assert problem(answer) == (401, "token_refused")
        clock.forward(SECOND // 10)
    assert split.doors["auth"].asked.count(JWKS) <= 4


# --- what still works while a part is away ---


async def test_without_auth_parts_serve_on_until_the_gateway_s_token_ends_and_again_when_it_is_back(
    split: Split, clock: Clock
) -> None:
    bearer = await split.shop.bearer()
    assert (await split.shop.client.get("/api/orders", headers=bearer)).status_code == 200
    split.doors["auth"].open = False
    for _ in range(5):
        clock.forward(10 * SECOND)
        assert (await split.shop.client.get("/api/orders", headers=bearer)).status_code == 200
        assert problem(await split.shop.client.get("/api/users/me", headers=bearer))[0] == 503
    clock.forward(10 * SECOND)
    answer = await split.shop.client.get("/api/orders", headers=bearer)
    assert problem(answer) == (503, "accounts_unavailable")
    assert answer.headers["retry-after"]
    split.doors["auth"].open = True
    clock.forward(31 * SECOND)
    assert (await split.shop.client.get("/api/orders", headers=bearer)).status_code == 200


async def test_without_auth_an_access_token_counts_until_it_ends(split: Split, clock: Clock) -> None:
    bearer = await split.shop.bearer()
    key = await split.shop.accounts.keys.signing()
    assert (await split.shop.client.get("/api/orders", headers=bearer)).status_code == 200
    split.doors["auth"].open = False
    clock.forward((ACCESS_LIFE - 1) * SECOND)
    service = service_token("orders", key, issuer="warren", now=clock(), chance=_Chance())
    headers = {**bearer, SERVICE_TOKEN: service}
    async with split.past_the_gateway("orders") as client:
        assert (await client.get("/api/orders", headers=headers)).status_code == 200
        clock.forward(SECOND)
        assert problem(await client.get("/api/orders", headers=headers)) == (401, "token_refused")


async def test_a_part_that_has_never_reached_auth_says_that_it_cannot_tell(split: Split, clock: Clock) -> None:
    key = await split.shop.accounts.keys.signing()
    split.doors["auth"].open = False
    token = service_token("orders", key, issuer="warren", now=clock(), chance=_Chance())
    for _ in range(20):
        assert problem(await ask(split, "orders", token)) == (503, "accounts_unavailable")
        clock.forward(SECOND // 10)
    assert split.doors["auth"].asked.count(JWKS) == 2  # once a second, whoever asks


@pytest.mark.parametrize("away", ["orders", "analytics"])
async def test_without_one_part_the_others_serve_on(split: Split, away: str) -> None:
    bearer = await split.shop.bearer("analyst")
    split.doors[away].open = False
    for part, path in OWN.items():
        answer = await split.shop.client.get(path, headers=bearer)
        assert answer.status_code == (503 if part == away else 200), part


async def test_the_gateway_says_which_part_is_away_and_is_ready_for_the_rest(split: Split) -> None:
    assert (await split.shop.client.get("/readyz")).json()["status"] == "ok"
    split.doors["orders"].open = False
    answer = await split.shop.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["degraded"] == ["the part orders: 1 of 1 processes do not answer: see how they do"]


async def test_an_order_is_placed_and_shipped_in_its_part_with_the_user_s_rights(split: Split) -> None:
    bearer = await split.shop.bearer()
    id = (await split.shop.client.get("/api/users/me", headers=bearer)).json()["id"]
    key = {"Idempotency-Key": "one"}
    placed = await split.shop.client.post("/api/orders", json=order(userId=id), headers={**bearer, **key})
    assert placed.status_code == 202, placed.text
    somebody = await split.shop.client.post(
        "/api/orders", json=order(userId=str(uuid4())), headers={**bearer, "Idempotency-Key": "two"}
    )
    assert problem(somebody) == (403, "not_your_own")
    shipped = await split.shop.client.post(f"{placed.headers['location']}/ship", json={}, headers=bearer)
    assert problem(shipped) == (403, "forbidden")


async def test_tables_are_asked_of_the_part_that_reads_them_and_the_rest_of_the_gateway(split: Split) -> None:
    bearer, client = await split.shop.bearer("analyst"), split.shop.client
    day = "EUR|2026-01-02T00:00:00Z"
    await keep(split.shop.shop, "analytics", revenue={day: takings("1.50")})
    tables = [table["name"] for table in (await client.get("/api/tables", headers=bearer)).json()["items"]]
    assert {"orders", "revenue", "welcomes", "stock"} <= {*tables}
    for table in tables:
        assert (await client.get(f"/api/tables/{table}", headers=bearer)).status_code == 200, table
    entry = await client.get(f"/api/tables/revenue/{day}", headers=bearer)
    assert entry.json() == {"key": day, "value": takings("1.50")}
    asked = {
        part: {path.split("/")[3] for path in door.asked if path.startswith("/api/tables/")}
        for part, door in split.doors.items()
    }
    assert asked["auth"] == {"welcomes"}
    assert "orders" in asked["orders"]
    assert {"revenue", "order_metrics"} <= asked["analytics"]
    customer = await split.shop.bearer(email="fiver@example.com")
    assert problem(await client.get("/api/tables/revenue", headers=customer)) == (403, "forbidden")


async def test_revocations_name_sessions_and_nothing_else(split: Split) -> None:
    bearer = await split.shop.bearer()
    assert (await split.shop.client.get(ENDED)).json() == {"sessions": []}
    await split.shop.client.post("/api/auth/logout-all", headers=bearer)
    assert len((await split.shop.client.get(ENDED)).json()["sessions"]) == 1


async def test_guesses_of_a_password_are_counted_where_they_come_from(split: Split) -> None:
    await split.shop.bearer()
    gateway = create_app(split.shop.shop.edge)
    wrong, right = {"email": EMAIL, "password": "a guess"}, {"email": EMAIL, "password": PASSWORD}

    def somewhere(address: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(gateway, client=(address, 1)), base_url="http://shop")

    async with somewhere("192.0.2.1") as attacker, somewhere("192.0.2.2") as owner:
        spoofed = [{"X-Forwarded-For": f"198.51.100.{n}"} for n in range(11)]
        answers = [await attacker.post("/api/auth/login", json=wrong, headers=headers) for headers in spoofed]
        assert problem(answers[0]) == (401, "wrong_credentials")
        assert problem(answers[-1]) == (429, "too_many_tries")
        assert (await owner.post("/api/auth/login", json=right)).status_code == 200


async def test_a_stolen_refresh_token_ends_the_session_in_every_part(split: Split, clock: Clock) -> None:
    await split.shop.bearer()
    pair = (await split.shop.login()).json()
    assert (await split.shop.refresh(pair["refreshToken"])).status_code == 200
    bearer = header(pair["accessToken"])
    assert (await split.shop.client.get("/api/orders", headers=bearer)).status_code == 200
    assert problem(await split.shop.refresh(pair["refreshToken"])) == (401, "token_refused")
    clock.forward(SECOND)
    assert problem(await split.shop.client.get("/api/orders", headers=bearer)) == (401, "token_refused")


class _Chance:
    def randbytes(self, n: int, /) -> bytes:
        return bytes(n)
