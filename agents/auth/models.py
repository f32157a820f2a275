"""The tables of accounts. Times are milliseconds since 1970 UTC, as everywhere on the wire."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, MetaData, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = dict[str, str | bool | None]


class Model(DeclarativeBase):
    """Every table of accounts. Constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {Json: JSON, list[str]: JSON, int: BigInteger, bytes: LargeBinary}


class User(Model):
    """An account. `version` counts its changes."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    roles: Mapped[list[str]]
    profile: Mapped[Json]
    channels: Mapped[Json]
    created_at: Mapped[int]
    updated_at: Mapped[int]
    version: Mapped[int]


class Session(Model):
    """One login and all that followed from it: the family of its refresh tokens, the `sid` of its access tokens."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[int] = mapped_column(index=True)
    revoked_at: Mapped[int | None] = mapped_column(index=True)


class RefreshToken(Model):
    """A refresh token, of which only the hash is kept. A session has at most one that is unspent."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index(
            "uq_refresh_tokens_unspent",
            "session_id",
            unique=True,
            postgresql_where=text("spent_at IS NULL"),
            sqlite_where=text("spent_at IS NULL"),
        ),
    )

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[int] = mapped_column(index=True)
    spent_at: Mapped[int | None]


class Outgoing(Model):
    """An event that was committed with the change it tells of, and is not published yet."""

    __tablename__ = "outbox"

    # SQLite counts by itself in a column of the type INTEGER alone.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    message_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(String(100))
    schema_version: Mapped[int]
    key: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes]
    correlation_id: Mapped[str | None] = mapped_column(String(255))
    time: Mapped[int]


class SigningKey(Model):
    """A key that access tokens are signed with; once retired, it only proves those that were."""

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    private: Mapped[bytes]
    created_at: Mapped[int]
    retired_at: Mapped[int | None]
