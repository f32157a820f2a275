"""Accounts: everything that can be done with users, their sessions and their tokens."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from agents.auth import outbox, sessions, users
from agents.auth.callers import Callers
from agents.auth.chance import Chance, random_id
from agents.auth.database import Database
from agents.auth.denials import Denials
from agents.auth.errors import EmailTaken, TokenRefused, WrongCredentials, WrongPassword
from agents.auth.events import Channels, UserPreferencesChanged, UserTokenReuseDetected
from agents.auth.keys import Keys
from agents.auth.models import User
from agents.auth.passwords import Passwords
from agents.auth.service_tokens import check_secret, service_token
from agents.auth.tokens import ACCESS_LIFE, Caller, Pair, access_token, hash_of, refresh_token
from agents.auth.users import NewUser
from streams import Record

ISSUER: Final = "warren"


class Accounts:
    """One process's way to the accounts. Every change commits together with the event that tells of it.

    All methods raise AccountsUnavailable where the database cannot be used, AccountsMissing where it lacks tables.
    """

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        *,
        now: Callable[[], int],
        chance: Chance,
        issuer: str = ISSUER,
        service_secrets: tuple[str, ...] = (),
    ) -> None:
        """`now` gives ms since 1970 UTC; `issuer` stands in every access token, and only those that bear it count;
        `service_secrets` are what the gateway of a split edge shows, any of them."""
        self._database = database
        self._passwords = passwords
        self._now = now
        self._chance = chance
        self._issuer = issuer
        self._denials = Denials(database, now)
        self._service_secrets = service_secrets
        self.keys = Keys(database, now, chance)
        self.callers = Callers(self.keys, self._denials, now=now, issuer=issuer)

    async def close(self) -> None:
        """Closes the database."""
        self._passwords.close()
        await self._database.close()

    # --- coming and going ---

    async def register(self, new: NewUser, correlation_id: str | None = None) -> User:
        """Make an account. Raises EmailTaken."""
        hash = await self._passwords.hash(new.password)
        user = users.made(new, random_id(self._chance), hash, self._now())
        async with self._database.transaction() as db:
            db.add(user)
            try:
                await db.flush()
            except IntegrityError:
                raise EmailTaken from None
            self._tell(db, users.created(user), user.id, correlation_id)
        return user

    async def login(self, email: str, password: str) -> Pair:
        """Begin a session. Raises WrongCredentials, after the same time whether the account exists or not."""
        async with self._database.transaction() as db:
            user = await users.by_email(db, email)
        if not await self._passwords.fits(password, user.password_hash if user else None) or user is None:
            raise WrongCredentials
        refresh, session_id = refresh_token(self._chance), random_id(self._chance)
        async with self._database.transaction() as db:
            # Where the password has been changed in the meantime, this one does not count any more.
            same = select(User).where(User.id == user.id, User.password_hash == user.password_hash)
            found = (await db.scalars(same.with_for_update(read=True))).one_or_none()
            if found is None:
                raise WrongCredentials
            await sessions.start(db, session_id, found.id, hash_of(refresh), self._now())
        return await self._pair(Caller(found.id, session_id, tuple(found.roles)), refresh)

    async def refresh(self, token: str, ip: str, correlation_id: str | None = None) -> Pair:
        """Spend a refresh token for a new pair. Raises TokenRefused; a token that was spent before ends its session."""
        refresh, now = refresh_token(self._chance), self._now()
        async with self._database.transaction() as db:
            session = await sessions.rotate(db, hash_of(token), hash_of(refresh), now)
            if session is not None:
                user = await users.by_id(db, session.user_id)
                caller = Caller(user.id, session.id, tuple(user.roles))
            else:
                caller = None
                await self._suspect(db, token, ip, correlation_id)
        if caller is None:
            raise TokenRefused
        return await self._pair(caller, refresh)

    async def _suspect(self, db: AsyncSession, token: str, ip: str, correlation_id: str | None) -> None:
        ended = await sessions.end_if_reused(db, hash_of(token), self._now())
        if ended is not None:
            self._denials.add([ended.id])
            self._tell(db, UserTokenReuseDetected(ended.user_id, ended.id, ip), ended.user_id, correlation_id)

    async def logout(self, caller: Caller) -> None:
        """End the caller's session."""
        async with self._database.transaction() as db:
            await sessions.end(db, caller.session_id, self._now())
        self._denials.add([caller.session_id])

    async def logout_all(self, caller: Caller) -> None:
        """End every session of the caller."""
        async with self._database.transaction() as db:
            ended = await sessions.end_all(db, caller.user_id, self._now())
        self._denials.add(ended)

    async def caller(self, token: str) -> Caller:
        """Who an access token is for. Raises TokenRefused."""
        return await self.callers.caller(token)

    async def ended_sessions(self) -> list[UUID]:
        """Sessions that have ended while access tokens of theirs may still be about."""
        return sorted(await self._denials.all())

    async def service_token(self, secret: str, part: str) -> str:
        """What the gateway shows to a part of the edge. Raises WrongCredentials."""
        check_secret(secret, self._service_secrets)
        key = await self.keys.signing()
        return service_token(part, key, issuer=self._issuer, now=self._now(), chance=self._chance)

    # --- users ---

    async def user(self, id: UUID) -> User:
        """A user. Raises NoSuchUser."""
        async with self._database.transaction() as db:
            return await users.by_id(db, id)

    async def users(self, after: UUID | None, limit: int, email: str | None = None) -> Sequence[User]:
        """As `users.page`."""
        async with self._database.transaction() as db:
            return await users.page(db, after, limit, email)

    async def change_profile(
        self, id: UUID, changes: Mapping[str, str | None], version: int | None, correlation_id: str | None = None
    ) -> User:
        """Replace parts of a user's profile. Raises NoSuchUser, Stale where a version is given and it is another."""
        async with self._database.transaction() as db:
            user = await users.locked(db, id, version)
            profile = users.changed_profile(user, changes)
            if profile != user.profile:
                user.profile = profile
                self._changed(db, user, users.updated(user, "profile"), correlation_id)
        return user

    async def change_password(self, id: UUID, current: str, new: str, correlation_id: str | None = None) -> User:
        """Replace a user's password, and end all their sessions. Raises NoSuchUser, WrongPassword."""
        user = await self.user(id)
        if not await self._passwords.fits(current, user.password_hash):
            raise WrongPassword
        hash = await self._passwords.hash(new)
        async with self._database.transaction() as db:
            same = update(User).where(User.id == id, User.password_hash == user.password_hash)
            if (await db.scalars(same.values(password_hash=hash).returning(User.id))).one_or_none() is None:
                raise WrongPassword
            ended = await sessions.end_all(db, id, self._now())
            user = await users.locked(db, id)
            self._changed(db, user, users.updated(user, "password"), correlation_id)
        self._denials.add(ended)
        return user

    async def change_channels(
        self, id: UUID, channels: Channels, version: int | None, correlation_id: str | None = None
    ) -> User:
        """Replace the ways by which a user is told things. Raises as `change_profile`."""
        async with self._database.transaction() as db:
            user = await users.locked(db, id, version)
            row = users.channels_row(channels)
            if row != user.channels:
                user.channels = row
                self._changed(db, user, UserPreferencesChanged(id, channels), correlation_id)
        return user

    async def change_roles(self, id: UUID, roles: Sequence[str], correlation_id: str | None = None) -> User:
        """Replace a user's roles; access tokens bear the old ones until they end. Raises NoSuchUser."""
        async with self._database.transaction() as db:
            user = await users.locked(db, id)
            given = sorted({str(role) for role in roles})
            if given != sorted(user.roles):
                user.roles = given
                self._changed(db, user, users.updated(user, "roles"), correlation_id)
        return user

    # --- what they have in common ---

    async def _pair(self, caller: Caller, refresh: str) -> Pair:
        key = await self.keys.signing()
        access = access_token(caller, key, issuer=self._issuer, now=self._now(), chance=self._chance)
        return Pair(access, refresh, ACCESS_LIFE)

    def _changed(self, db: AsyncSession, user: User, event: Record, correlation_id: str | None) -> None:
        users.touch(user, self._now())
        self._tell(db, event, user.id, correlation_id)

    def _tell(self, db: AsyncSession, event: Record, user_id: UUID, correlation_id: str | None) -> None:
        outbox.put(db, event, key=str(user_id), now=self._now(), chance=self._chance, correlation_id=correlation_id)
