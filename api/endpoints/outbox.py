"""A page of what users were told, each notification with its text. Where the edge asks for it, it has a log-in."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Final
from urllib.parse import urlencode

import jinja2
import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from agents.notifications.tables import Notification, notifications, templates
from agents.notifications.texts.builtin import FIRST
from agents.notifications.texts.filling import BadTemplate, Filled, Filling
from agents.notifications.texts.shelf import Shelf
from api.caller import guarded
from api.dependencies import Cursor, GivenEdge
from api.page_files import page_file

router = APIRouter(include_in_schema=False)

PAGE: Final = 50
_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_notification = msgspec.json.Decoder(Notification).decode
_filling = Filling()


@dataclass(frozen=True, slots=True)
class Item:
    """A notification as the page shows it."""

    subject: str
    text: str
    type: str
    status: str
    recipient: str
    address: str | None
    reason: str | None
    at: datetime | None


@router.get("/outbox")
async def get_outbox() -> Response:
    """The page."""
    return page_file("outbox.html")


@router.get("/outbox/outbox.js")
async def get_outbox_script() -> Response:
    """Its script."""
    return page_file("outbox.js")


@router.get("/outbox/letters", dependencies=[guarded("notifications:read:any")])
async def get_letters(
    edge: GivenEdge, recipient: Annotated[str | None, Query(max_length=200)] = None, cursor: Cursor = None
) -> HTMLResponse:
    """What the page shows, as HTML: the newest notifications first, of one recipient or of all."""
    store = edge.store("notifications")
    equals = {} if recipient is None else {"recipient": recipient}
    page = await store.query(
        notifications.name, equals=equals, order_by="at", descending=True, limit=PAGE, cursor=cursor
    )
    shelf = Shelf(edge.views.documents("notifications", templates))
    items = [await _item(shelf, _notification(row.value)) for row in page.rows]
    following = urlencode({**equals, "cursor": page.cursor}) if page.cursor else ""
    return HTMLResponse(
        _letters().render(items=items, following=following), headers={"Content-Security-Policy": _POLICY}
    )


async def _item(shelf: Shelf, told: Notification) -> Item:
    filled = await _filled(shelf, told)
    return Item(
        subject=filled.subject if filled else told.template,
        text=filled.text if filled else "",
        type=told.type,
        status=told.status,
        recipient=told.recipient,
        address=told.address,
        reason=told.reason,
        at=told.sent_at or told.at,
    )


async def _filled(shelf: Shelf, told: Notification) -> Filled | None:
    """The texts that were sent; those that come with the service, where nothing was."""
    try:
        return _filling.fill(await shelf.version(told.template, told.version or FIRST), told.data)
    except (BadTemplate, KeyError):
        return None


@cache
def _letters() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string((files("api") / "pages" / "letters.html").read_text("utf-8"))
