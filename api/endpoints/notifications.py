"""What users were told, or would have been."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter

from agents.notifications.tables import Channel, Notification, Status, notifications
from api.bodies import Body, Page
from api.caller import Whoever, own
from api.dependencies import Cursor, GivenEdge, Limit
from api.openapi import problems

router = APIRouter(prefix="/api/notifications", tags=["notifications"], responses=problems(401, 403))

_decode = msgspec.json.Decoder(Notification).decode


class NotificationBody(Body):
    """One thing told to one recipient, a user. `data` is what the template is filled with; `address` is masked."""

    id: str
    type: Channel
    recipient: str
    template: str
    data: dict[str, Any]
    status: Status
    sent_at: datetime | None
    address: str | None
    reason: str | None
    version: int | None
    at: datetime | None


@router.get("", responses=problems(422, 503))
async def list_notifications(
    edge: GivenEdge,
    caller: Whoever,
    recipient: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[NotificationBody]:
    """The newest notifications first, of one recipient or of all."""
    whose = own(caller, recipient, "notifications:read:any")
    page = await edge.store("notifications").query(
        notifications.name,
        equals={} if whose is None else {"recipient": str(whose)},
        order_by="at",
        descending=True,
        limit=limit,
        cursor=cursor,
    )
    items = [NotificationBody.model_validate(_decode(row.value)) for row in page.rows]
    return Page(items=items, next_cursor=page.cursor)
