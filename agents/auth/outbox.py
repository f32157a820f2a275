"""The outbox: events that are committed with the change they tell of, and published afterwards by the relay."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from agents.auth.chance import Chance, random_id
from agents.auth.models import Outgoing
from streams import Record
from streams.codec import encode, event_type


def put(
    db: AsyncSession, event: Record, *, key: str, now: int, chance: Chance, correlation_id: str | None = None
) -> None:
    """Have an event published once this transaction is committed. Events of one key leave in the order in which their
    transactions locked what they changed. `now` in ms since 1970 UTC."""
    type = event_type(event.__class__)
    assert type is not None, "only events are published"
    db.add(
        Outgoing(
            message_id=random_id(chance),
            type=type,
            schema_version=event.__version_of_schema__,
            key=key,
            body=encode(event),
            correlation_id=correlation_id,
            time=now,
        )
    )


async def first(db: AsyncSession, most: int) -> Sequence[Outgoing]:
    """The events that wait longest, in order."""
    return (await db.scalars(select(Outgoing).order_by(Outgoing.id).limit(most))).all()


async def remove(db: AsyncSession, ids: Iterable[int]) -> None:
    """Forget events that were published: these alone, since others with lower numbers may be committed later."""
    await db.execute(delete(Outgoing).where(Outgoing.id.in_(list(ids))))
