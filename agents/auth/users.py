"""Users as they are kept, and what is told of their changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from agents.auth.errors import NoSuchUser, Stale
from agents.auth.events import Channels, Profile, UserCreated, UserUpdated
from agents.auth.models import User


@dataclass(frozen=True, slots=True)
class NewUser:
    """What an account begins with."""

    email: str
    password: str
    profile: Profile
    roles: Sequence[str]

    def __repr__(self) -> str:
        return f"NewUser({self.email!r})"


def normal(email: str) -> str:
    """An e-mail address as accounts are found by: nobody has two accounts by writing it otherwise."""
    return email.strip().lower()


def made(new: NewUser, id: UUID, password_hash: str, now: int) -> User:
    """The row of a new user."""
    return User(
        id=id,
        email=normal(new.email),
        password_hash=password_hash,
        roles=[str(role) for role in new.roles],
        profile=_profile_row(new.profile),
        channels=channels_row(Channels()),
        created_at=now,
        updated_at=now,
        version=1,
    )


async def by_email(db: AsyncSession, email: str) -> User | None:
    """The user of an e-mail address."""
    return (await db.scalars(select(User).where(_has(email)))).one_or_none()


async def by_id(db: AsyncSession, id: UUID) -> User:
    """A user. Raises NoSuchUser."""
    user = await db.get(User, id)
    if user is None:
        raise NoSuchUser
    return user


async def locked(db: AsyncSession, id: UUID, version: int | None = None) -> User:
    """A user, who is changed by nobody else until the transaction ends. Raises NoSuchUser; Stale where a version is
    given and theirs is another."""
    user = (await db.scalars(select(User).where(User.id == id).with_for_update())).one_or_none()
    if user is None:
        raise NoSuchUser
    if version is not None and user.version != version:
        raise Stale
    return user


async def page(db: AsyncSession, after: UUID | None, limit: int, email: str | None) -> Sequence[User]:
    """Users by id, from the one behind `after` on, at most one more than `limit`; or the one of an e-mail address."""
    query = select(User).order_by(User.id).limit(limit + 1)
    if after is not None:
        query = query.where(User.id > after)
    if email is not None:
        query = query.where(_has(email))
    return (await db.scalars(query)).all()


def _has(email: str) -> ColumnElement[bool]:
    """Nobody has an address with NUL in it, and PostgreSQL fails where it is asked for one."""
    return false() if "\0" in email else User.email == normal(email)


def changed_profile(user: User, changes: Mapping[str, str | None]) -> dict[str, str | bool | None]:
    """A user's profile with these parts replaced."""
    return {**user.profile, **changes}


def touch(user: User, now: int) -> None:
    """Count a change."""
    user.updated_at = now
    user.version += 1


def profile_of(user: User) -> Profile:
    """A user's profile as events tell it."""
    return Profile(**{name: _text(user.profile.get(name)) for name in Profile.__struct_fields__})


def created(user: User) -> UserCreated:
    """The event of a new user."""
    return UserCreated(user.id, user.email, profile_of(user), list(user.roles))


def updated(user: User, *changed: str) -> UserUpdated:
    """The event of a change."""
    return UserUpdated(user.id, user.email, profile_of(user), list(user.roles), list(changed))


def channels_row(channels: Channels) -> dict[str, str | bool | None]:
    """Channels as they are kept."""
    return msgspec.structs.asdict(channels)


def _profile_row(profile: Profile) -> dict[str, str | bool | None]:
    return msgspec.structs.asdict(profile)


def _text(value: str | bool | None) -> str | None:
    return value if isinstance(value, str) else None
