"""Accounts, their sessions, and what is told of both: on SQLite and PostgreSQL."""

import asyncio
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text

from agents.auth import sessions
from agents.auth.accounts import Accounts
from agents.auth.database import Database
from agents.auth.errors import EmailTaken, NoSuchUser, Stale, TokenRefused, WrongCredentials, WrongPassword
from agents.auth.events import Channels
from agents.auth.tokens import Pair, hash_of
from tests.agents.auth.scene import (
    DAY,
    EMAIL,
    MINUTE,
    PASSWORD,
    Clock,
    CountingPasswords,
    cheap_hasher,
    fast_passwords,
    registered,
    told,
)

IP = "192.0.2.7"


async def test_a_user_registers_logs_in_and_is_known_by_the_access_token(accounts: Accounts) -> None:
    user = await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    caller = await accounts.caller(pair.access_token)
    assert (caller.user_id, caller.roles) == (user.id, ("customer",))
    assert pair.expires_in == 600


async def test_an_e_mail_address_has_one_account_however_it_is_written(accounts: Accounts, database: Database) -> None:
    await registered(accounts)
    with pytest.raises(EmailTaken):
        await registered(accounts, f" {EMAIL.upper()} ")
    assert [row.type for row in await told(database)] == ["user.created"]
    await accounts.login(EMAIL.upper(), PASSWORD)


async def test_twenty_registrations_at_once_make_one_account_and_one_event(
    accounts: Accounts, database: Database
) -> None:
    outcomes = await asyncio.gather(*(registered(accounts) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(outcome, EmailTaken) for outcome in outcomes) == 19
    assert len(await told(database)) == 1


async def test_neither_passwords_nor_refresh_tokens_are_kept_or_told(accounts: Accounts, database: Database) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    async with database.connection() as connection:
        for table in ("users", "sessions", "refresh_tokens", "outbox"):
            rows = repr((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            assert PASSWORD not in rows
            assert pair.refresh_token not in rows


async def test_a_wrong_password_and_an_unknown_address_are_refused_alike(accounts: Accounts) -> None:
    await registered(accounts)
    with pytest.raises(WrongCredentials) as wrong:
        await accounts.login(EMAIL, "another password")
    with pytest.raises(WrongCredentials) as unknown:
        await accounts.login("bigwig@downs.example", PASSWORD)
    assert str(wrong.value) == str(unknown.value)


async def test_an_address_that_databases_cannot_hold_is_nobody_s(accounts: Accounts) -> None:
    """PostgreSQL fails where it is asked for NUL: 503, for which a gateway would leave all of auth alone."""
    with pytest.raises(WrongCredentials):
        await accounts.login("hazel\0@downs.example", PASSWORD)
    assert await accounts.users(None, 1, "hazel\0@downs.example") == []


async def test_timing_a_hash_is_computed_for_unknown_users_too(database: Database, clock: Clock) -> None:
    passwords = CountingPasswords(cheap_hasher())
    accounts = Accounts(database, passwords, now=clock, chance=Random(1))
    with pytest.raises(WrongCredentials):
        await accounts.login("nobody@downs.example", PASSWORD)
    assert passwords.hashed == 1
    passwords.close()


# --- refresh tokens ---


async def test_a_refresh_token_gives_a_new_pair_in_the_same_session(accounts: Accounts) -> None:
    await registered(accounts)
    first = await accounts.login(EMAIL, PASSWORD)
    second = await accounts.refresh(first.refresh_token, IP)
    assert second.refresh_token != first.refresh_token
    callers = [await accounts.caller(pair.access_token) for pair in (first, second)]
    assert callers[0].session_id == callers[1].session_id


async def test_a_replayed_refresh_token_ends_its_whole_family(accounts: Accounts, database: Database) -> None:
    user = await registered(accounts)
    first = await accounts.login(EMAIL, PASSWORD)
    other = await accounts.login(EMAIL, PASSWORD)
    second = await accounts.refresh(first.refresh_token, IP)
    family = (await accounts.caller(second.access_token)).session_id
    for _ in range(2):
        await _refused(accounts, first)
    await _refused(accounts, second)
    with pytest.raises(TokenRefused):
        await accounts.caller(second.access_token)
    await accounts.caller(other.access_token)
    alarms = [row for row in await told(database) if row.type == "user.token_reuse_detected"]
    assert len(alarms) == 1
    assert alarms[0].body == f'{{"userId":"{user.id}","familyId":"{family}","ip":"{IP}"}}'.encode()


async def test_of_twenty_parallel_refreshes_one_wins(accounts: Accounts, database: Database) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    refreshes = (accounts.refresh(pair.refresh_token, IP) for _ in range(20))
    outcomes = await asyncio.gather(*refreshes, return_exceptions=True)
    assert sum(isinstance(outcome, Pair) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, TokenRefused) for outcome in outcomes) == 19
    async with database.connection() as connection:
        unspent = await connection.scalar(text("SELECT count(*) FROM refresh_tokens WHERE spent_at IS NULL"))
    assert unspent == 1
    assert [row.type for row in await told(database)].count("user.token_reuse_detected") == 1


async def test_a_family_cannot_have_two_unspent_tokens(accounts: Accounts, database: Database) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    session = (await accounts.caller(pair.access_token)).session_id
    another = text("INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES (:hash, :session, 0)")
    values = {"hash": b"x", "session": session.hex if database.own else session}
    with pytest.raises(Exception, match=r"(?i)unique"):
        async with database.connection() as connection:
            await connection.execute(another, values)


async def test_a_refresh_token_counts_for_thirty_days(accounts: Accounts, clock: Clock) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    clock.forward(30 * DAY - 1)
    pair = await accounts.refresh(pair.refresh_token, IP)
    clock.forward(30 * DAY)
    await _refused(accounts, pair)


async def test_a_session_counts_for_ninety_days_however_often_it_is_refreshed(accounts: Accounts, clock: Clock) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    for _ in range(4):
        clock.forward(20 * DAY)
        pair = await accounts.refresh(pair.refresh_token, IP)
    clock.forward(10 * DAY)
    await _refused(accounts, pair)


async def test_an_expired_refresh_token_is_no_theft(accounts: Accounts, clock: Clock, database: Database) -> None:
    await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    clock.forward(31 * DAY)
    await _refused(accounts, pair)
    assert "user.token_reuse_detected" not in [row.type for row in await told(database)]


async def _refused(accounts: Accounts, pair: Pair) -> None:
    with pytest.raises(TokenRefused):
        await accounts.refresh(pair.refresh_token, IP)


# --- ending sessions ---


async def test_logging_out_ends_one_session_at_once(accounts: Accounts) -> None:
    await registered(accounts)
    here, there = [await accounts.login(EMAIL, PASSWORD) for _ in range(2)]
    await accounts.logout(await accounts.caller(here.access_token))
    with pytest.raises(TokenRefused):
        await accounts.caller(here.access_token)
    await _refused(accounts, here)
    await accounts.caller(there.access_token)


async def test_logging_out_everywhere_ends_every_session_of_the_user_alone(accounts: Accounts) -> None:
    await registered(accounts)
    await registered(accounts, "bigwig@downs.example")
    pairs = [await accounts.login(EMAIL, PASSWORD) for _ in range(3)]
    other = await accounts.login("bigwig@downs.example", PASSWORD)
    await accounts.logout_all(await accounts.caller(pairs[0].access_token))
    for pair in pairs:
        with pytest.raises(TokenRefused):
            await accounts.caller(pair.access_token)
        await _refused(accounts, pair)
    await accounts.caller(other.access_token)


async def test_another_process_sees_within_a_second_that_a_session_has_ended(
    accounts: Accounts, database: Database, clock: Clock
) -> None:
    await registered(accounts)
    other = Accounts(database, fast_passwords(), now=clock, chance=Random(2))
    pair = await accounts.login(EMAIL, PASSWORD)
    await other.caller(pair.access_token)
    await accounts.logout(await accounts.caller(pair.access_token))
    clock.forward(1_000)
    with pytest.raises(TokenRefused):
        await other.caller(pair.access_token)


async def test_a_password_change_ends_every_session(accounts: Accounts, database: Database) -> None:
    user = await registered(accounts)
    pairs = [await accounts.login(EMAIL, PASSWORD) for _ in range(2)]
    with pytest.raises(WrongPassword):
        await accounts.change_password(user.id, "not the current one", "a new password")
    await accounts.change_password(user.id, PASSWORD, "a new password")
    for pair in pairs:
        with pytest.raises(TokenRefused):
            await accounts.caller(pair.access_token)
        await _refused(accounts, pair)
    with pytest.raises(WrongCredentials):
        await accounts.login(EMAIL, PASSWORD)
    await accounts.login(EMAIL, "a new password")
    assert b'"changed":["password"]' in (await told(database))[-1].body


async def test_of_two_password_changes_at_once_one_wins(accounts: Accounts) -> None:
    user = await registered(accounts)
    changes = (accounts.change_password(user.id, PASSWORD, f"a new password {n}") for n in range(2))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(outcome, WrongPassword) for outcome in outcomes) == 1


async def test_expired_sessions_and_tokens_are_removed(accounts: Accounts, database: Database, clock: Clock) -> None:
    await registered(accounts)
    await accounts.login(EMAIL, PASSWORD)
    clock.forward(91 * DAY)
    pair = await accounts.login(EMAIL, PASSWORD)
    async with database.transaction() as db:
        await sessions.remove_expired(db, clock())
    async with database.connection() as connection:
        hashes = (await connection.scalars(text("SELECT hash FROM refresh_tokens"))).all()
        assert hashes == [hash_of(pair.refresh_token)]
        assert await connection.scalar(text("SELECT count(*) FROM sessions")) == 1


# --- users ---


async def test_a_profile_changes_in_parts_and_a_stale_version_is_refused(
    accounts: Accounts, database: Database, clock: Clock
) -> None:
    user = await registered(accounts)
    clock.forward(MINUTE)
    changed = await accounts.change_profile(user.id, {"phone": "+44 1"}, 1)
    assert changed.profile == {"first_name": "Hazel", "last_name": None, "phone": "+44 1"}
    assert (changed.version, changed.updated_at - changed.created_at) == (2, MINUTE)
    with pytest.raises(Stale):
        await accounts.change_profile(user.id, {"phone": None}, 1)
    assert [row.type for row in await told(database)] == ["user.created", "user.updated"]


async def test_a_change_that_changes_nothing_is_not_told(accounts: Accounts, database: Database) -> None:
    user = await registered(accounts)
    same = await accounts.change_profile(user.id, {"first_name": "Hazel"}, None)
    await accounts.change_roles(user.id, ["customer"])
    assert same.version == 1
    assert len(await told(database)) == 1


async def test_of_changes_at_once_with_one_version_one_wins(accounts: Accounts) -> None:
    user = await registered(accounts)
    changes = (accounts.change_profile(user.id, {"phone": str(n)}, 1) for n in range(10))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 9


async def test_preferences_are_told(accounts: Accounts, database: Database) -> None:
    user = await registered(accounts)
    await accounts.change_channels(user.id, Channels(email=False, sms=True), None)
    assert (await accounts.user(user.id)).channels == {"email": False, "sms": True, "push": False}
    row = (await told(database))[-1]
    assert row.type == "user.preferences_changed"
    assert b'"channels":{"email":false,"sms":true,"push":false}' in row.body


async def test_new_roles_stand_in_the_next_access_token(accounts: Accounts) -> None:
    user = await registered(accounts)
    pair = await accounts.login(EMAIL, PASSWORD)
    await accounts.change_roles(user.id, ["support", "customer", "support"])
    pair = await accounts.refresh(pair.refresh_token, IP)
    caller = await accounts.caller(pair.access_token)
    assert caller.roles == ("customer", "support")
    assert "orders:refund" in caller.scopes


async def test_users_are_listed_by_id_in_pages(accounts: Accounts) -> None:
    made = {(await registered(accounts, f"rabbit{n}@downs.example")).id for n in range(5)}
    first = await accounts.users(None, 3)
    rest = await accounts.users(first[2].id, 3)
    assert len(first) == 4
    assert [user.id for user in (*first[:3], *rest)] == sorted(made)
    assert [user.email for user in await accounts.users(None, 10, "Rabbit3@downs.example")] == ["rabbit3@downs.example"]


async def test_nobody_is_found_under_an_unknown_id(accounts: Accounts) -> None:
    for attempt in (
        accounts.user(UUID(int=0)),
        accounts.change_roles(UUID(int=0), []),
        accounts.change_password(UUID(int=0), "a", "b"),
    ):
        with pytest.raises(NoSuchUser):
            await attempt
