"""Access tokens: only what this service has signed for this purpose counts, and only while it lasts."""

from collections.abc import AsyncIterator
from random import Random
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.auth import callers
from agents.auth.accounts import Accounts
from agents.auth.database import open_database
from agents.auth.errors import TokenRefused
from agents.auth.keys import FRESH, KEPT, Key
from agents.auth.roles import GIVEN, SCOPES, Role, scopes_of
from agents.auth.schema import migrate
from agents.auth.tokens import ACCESS_LIFE
from tests.agents.auth.scene import EMAIL, MINUTE, PASSWORD, Clock, fast_passwords, registered


@pytest.fixture
async def accounts(clock: Clock) -> AsyncIterator[Accounts]:
    database = open_database("memory:")
    await migrate(database)
    accounts = Accounts(database, fast_passwords(), now=clock, chance=Random(1))
    yield accounts
    await accounts.close()


async def claims_of(accounts: Accounts) -> tuple[dict[str, Any], Key]:
    """The claims of a good token, and the key that signs such."""
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    return jwt.decode(pair.access_token, options={"verify_signature": False}), await accounts.keys.signing()


def signed(claims: dict[str, Any], key: Key, **headers: str) -> str:
    return jwt.encode(claims, key.private, "EdDSA", {"kid": key.id, "typ": "at+jwt", **headers})


async def refused(accounts: Accounts, token: str) -> None:
    with pytest.raises(TokenRefused):
        await accounts.caller(token)


async def test_a_token_says_who_for_whom_and_how_long(accounts: Accounts) -> None:
    claims, key = await claims_of(accounts)
    assert set(claims) == {"iss", "aud", "sub", "sid", "roles", "iat", "exp", "jti"}
    assert (claims["iss"], claims["aud"], claims["exp"] - claims["iat"]) == ("warren", "warren", ACCESS_LIFE)
    await accounts.caller(signed(claims, key))


async def test_alg_none_is_refused(accounts: Accounts) -> None:
    claims, key = await claims_of(accounts)
    await refused(accounts, jwt.encode(claims, "", "none", {"kid": key.id, "typ": "at+jwt"}))


async def test_hs256_with_the_public_key_is_refused(accounts: Accounts) -> None:
    claims, key = await claims_of(accounts)
    # PyJWT refuses to sign with a PEM; the raw key is as public.
    public = key.public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    await refused(accounts, jwt.encode(claims, public, "HS256", {"kid": key.id, "typ": "at+jwt"}))


@pytest.mark.parametrize("changes", [{"aud": "another"}, {"aud": ["another"]}, {"iss": "another"}])
async def test_a_wrong_aud_or_iss_is_refused(accounts: Accounts, changes: dict[str, Any]) -> None:
    claims, key = await claims_of(accounts)
    await refused(accounts, signed({**claims, **changes}, key))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "roles", "iat", "exp", "jti"])
async def test_a_token_without_a_claim_is_refused(accounts: Accounts, claim: str) -> None:
    claims, key = await claims_of(accounts)
    del claims[claim]
    await refused(accounts, signed(claims, key))


async def test_an_expired_token_is_refused(accounts: Accounts, clock: Clock) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    clock.forward(ACCESS_LIFE * 1000 - 1)
    await accounts.caller(pair.access_token)
    clock.forward(1)
    await refused(accounts, pair.access_token)


async def test_a_refresh_token_is_refused_as_an_access_token(accounts: Accounts) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    await refused(accounts, pair.refresh_token)


async def test_an_access_token_is_refused_as_a_refresh_token(accounts: Accounts) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    with pytest.raises(TokenRefused):
        await accounts.refresh(pair.access_token, "::1")


async def test_a_signed_token_of_another_type_is_refused(accounts: Accounts) -> None:
    claims, key = await claims_of(accounts)
    await refused(accounts, signed(claims, key, typ="JWT"))


@pytest.mark.parametrize(
    "changes", [{"sub": "hazel"}, {"sid": "x"}, {"exp": "soon"}, {"roles": 7}, {"exp": None}, {"sub": 7}]
)
async def test_claims_that_are_none_of_ours_are_refused(accounts: Accounts, changes: dict[str, Any]) -> None:
    claims, key = await claims_of(accounts)
    await refused(accounts, signed({**claims, **changes}, key))


async def test_a_token_signed_by_somebody_else_is_refused(accounts: Accounts) -> None:
    claims, key = await claims_of(accounts)
    stranger = Ed25519PrivateKey.generate()
    await refused(accounts, signed(claims, Key(key.id, stranger, signs=True)))
    await refused(accounts, signed(claims, Key("unknown", stranger, signs=True)))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "e30.e30.", "." * 10_000])
async def test_what_is_no_token_is_refused(accounts: Accounts, token: str) -> None:
    await refused(accounts, token)


async def test_a_token_that_brings_its_own_key_is_refused(accounts: Accounts) -> None:
    claims, key = await claims_of(accounts)
    stranger = Key("own", Ed25519PrivateKey.generate(), signs=True)
    headers: dict[str, Any] = {"kid": key.id, "typ": "at+jwt", "jwk": stranger.jwk, "jku": "http://evil.example/"}
    await refused(accounts, jwt.encode(claims, stranger.private, "EdDSA", headers))


# --- keys ---


async def test_a_new_key_logs_nobody_out(accounts: Accounts, clock: Clock) -> None:
    await registered(accounts)
    old = await accounts.login(EMAIL, PASSWORD)
    id = await accounts.keys.rotate()
    await accounts.caller(old.access_token)
    new = await accounts.refresh(old.refresh_token, "::1")
    assert jwt.get_unverified_header(new.access_token)["kid"] == id
    await accounts.caller(new.access_token)
    assert len(await accounts.keys.public()) == 2
    clock.forward(KEPT + MINUTE)
    assert [key["kid"] for key in await accounts.keys.public()] == [id]


async def test_a_key_that_has_leaked_proves_nothing_and_tokens_are_refreshed(accounts: Accounts, clock: Clock) -> None:
    await registered(accounts)
    other = Accounts(accounts._database, fast_passwords(), now=clock, chance=Random(2))
    old = await accounts.login(EMAIL, PASSWORD)
    await other.caller(old.access_token)
    await accounts.keys.rotate()
    id = await accounts.keys.rotate(leaked=True)
    await refused(accounts, old.access_token)
    clock.forward(FRESH)
    await refused(other, old.access_token)
    assert [key["kid"] for key in await other.keys.public()] == [id]
    await other.caller((await other.refresh(old.refresh_token, "::1")).access_token)


async def test_a_process_that_does_not_know_a_new_key_looks_for_it(accounts: Accounts, clock: Clock) -> None:
    await registered(accounts)
    other = Accounts(accounts._database, fast_passwords(), now=clock, chance=Random(2))
    assert await other.keys.public() == await accounts.keys.public()
    await accounts.keys.rotate()
    pair = await accounts.login(EMAIL, PASSWORD)
    clock.forward(1_000)
    await other.caller(pair.access_token)


async def test_the_published_keys_prove_tokens_and_hold_nothing_private(accounts: Accounts) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    (key,) = await accounts.keys.public()
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    claims = jwt.decode(pair.access_token, jwt.PyJWK(key), ["EdDSA"], audience="warren", options={"verify_exp": False})
    assert UUID(claims["sub"]).version == 4


# --- roles ---


def test_every_role_has_scopes_and_service_is_given_to_nobody() -> None:
    assert set(SCOPES) == set(Role)
    assert Role.SERVICE not in GIVEN
    assert scopes_of(("customer", "unheard-of")) == frozenset()
    assert scopes_of(("support", "warehouse")) == SCOPES[Role.SUPPORT] | SCOPES[Role.WAREHOUSE]


async def test_a_token_that_was_proven_before_ends_all_the_same(accounts: Accounts, clock: Clock) -> None:
    claims, key = await claims_of(accounts)
    token = signed(claims, key)
    await accounts.caller(token)
    clock.forward(ACCESS_LIFE * 1000)
    await refused(accounts, token)


async def test_what_was_proven_counts_no_longer_than_its_key(accounts: Accounts, clock: Clock) -> None:
    claims, key = await claims_of(accounts)
    token = signed({**claims, "exp": claims["exp"] + 2 * KEPT}, key)
    await accounts.caller(token)
    await accounts.keys.rotate()
    await accounts.caller(token)
    clock.forward(KEPT + MINUTE)
    await refused(accounts, token)


async def test_tokens_that_are_remembered_have_an_end(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "REMEMBERED", 2)
    claims, key = await claims_of(accounts)
    tokens = [signed({**claims, "jti": str(number)}, key) for number in range(4)]
    for token in (*tokens, *tokens):
        assert (await accounts.caller(token)).session_id == UUID(claims["sid"])
