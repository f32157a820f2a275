"""Sessions: one login and what follows from it. Every use of a refresh token gives a new one.

A spent token that comes again was stolen from somebody, and nobody can tell from whom: its session ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from agents.auth.models import RefreshToken, Session

DAY: Final = 86_400_000
"""Milliseconds."""
SLIDING: Final = 30 * DAY
"""For which a refresh token counts, if it is not used."""
ABSOLUTE: Final = 90 * DAY
"""For which a session counts, however often it is refreshed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that has just ended."""

    id: UUID
    user_id: UUID


async def start(db: AsyncSession, id: UUID, user_id: UUID, token_hash: bytes, now: int) -> None:
    """Begin a session with its first refresh token. `now` in ms since 1970 UTC, everywhere here."""
    db.add(Session(id=id, user_id=user_id, expires_at=now + ABSOLUTE, revoked_at=None))
    await db.flush()
    db.add(RefreshToken(hash=token_hash, session_id=id, expires_at=now + SLIDING, spent_at=None))


async def rotate(db: AsyncSession, token_hash: bytes, next_hash: bytes, now: int) -> Session | None:
    """Spend a refresh token for the next one, and give its session; None where it does not count.

    One conditional UPDATE decides: of any number at once, one finds it unspent.
    """
    alive = select(Session.id).where(Session.revoked_at.is_(None), Session.expires_at > now)
    spent = await db.execute(
        update(RefreshToken)
        .where(
            RefreshToken.hash == token_hash,
            RefreshToken.spent_at.is_(None),
            RefreshToken.expires_at > now,
            RefreshToken.session_id.in_(alive),
        )
        .values(spent_at=now)
        .returning(RefreshToken.session_id)
        .execution_options(synchronize_session=False)
    )
    session_id = spent.scalar_one_or_none()
    if session_id is None:
        return None
    session = await db.get_one(Session, session_id)
    db.add(RefreshToken(hash=next_hash, session_id=session_id, expires_at=now + SLIDING, spent_at=None))
    return session


async def end_if_reused(db: AsyncSession, token_hash: bytes, now: int) -> Ended | None:
    """End the session of a token that was spent before; None where it was not, or the session had ended already."""
    reused = select(RefreshToken.session_id).where(RefreshToken.hash == token_hash, RefreshToken.spent_at.is_not(None))
    ended = await _end(db, Session.id.in_(reused), now)
    return ended[0] if ended else None


async def end(db: AsyncSession, id: UUID, now: int) -> None:
    """End one session."""
    await _end(db, Session.id == id, now)


async def end_all(db: AsyncSession, user_id: UUID, now: int) -> list[UUID]:
    """End every session of a user. Returns their ids."""
    return [session.id for session in await _end(db, Session.user_id == user_id, now)]


async def ended_since(db: AsyncSession, since: int) -> Sequence[UUID]:
    """The sessions that were ended after this time."""
    return (await db.scalars(select(Session.id).where(Session.revoked_at > since))).all()


async def remove_expired(db: AsyncSession, now: int) -> None:
    """Remove what cannot count any more, nor tell of a theft: spent tokens are kept as long as unspent ones."""
    await db.execute(delete(RefreshToken).where(RefreshToken.expires_at < now))
    await db.execute(delete(Session).where(Session.expires_at < now))


async def _end(db: AsyncSession, which: ColumnElement[bool], now: int) -> list[Ended]:
    ended = await db.execute(
        update(Session)
        .where(which, Session.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(Session.id, Session.user_id)
        .execution_options(synchronize_session=False)
    )
    return [Ended(id, user_id) for id, user_id in ended]
