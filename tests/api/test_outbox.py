"""The page of what users were told."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

from agents.notifications.tables import Channel, Notification, Status, Template
from stores.port import Put
from streams.codec import encode
from tests.api.auth_scene import ADMIN, open_auth_shop
from tests.api.shop import Shop
from tests.api.test_auth import problem

DATA = {"orderId": "4711", "total": "10.00", "currency": "EUR", "reason": "<script>alert(1)</script>"}


def told(id: str, template: str, **more: object) -> Put:
    status = Status.SUPPRESSED if not more else Status.SENT
    notification = Notification(id, Channel.EMAIL, "99", template, DATA, status, reason=None if more else "no_contact")
    for name, value in more.items():
        setattr(notification, name, value)
    return Put(id, encode(notification), 0)


async def test_the_newest_are_shown_first_page_by_page(shop: Shop) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    rows = [
        told(f"{number * 7 % 60}", "order_paid", at=noon + timedelta(minutes=number), address=f"no. {number}.")
        for number in range(60)
    ]
    old = told("older than this field", "order_paid", address="no. none.")
    await shop.stores["notifications"].write("notifications", [*rows, old])
    first = (await shop.client.get("/outbox/letters")).text
    further = re.search(r'href="(/outbox\?[^"]*)"', first)
    assert further is not None
    second = (await shop.client.get(unescape(further[1]).replace("?", "/letters?"))).text
    shown = re.findall(r"no\. (\w+)\.", first + second)
    assert shown == [*(str(number) for number in reversed(range(60))), "none"]
    assert "2026-01-01 12:59:00 UTC" in first


async def test_each_notification_is_shown_with_its_text_and_nothing_of_it_is_markup(shop: Shop) -> None:
    store = shop.stores["notifications"]
    own = Template("order_paid", 2, "Ours", "Ours: {{ total }}", "", "")
    await store.write("templates", [Put("order_paid@2", encode(own), 0)])
    rows = [
        told("1", "order_payment_failed"),
        told("2", "order_paid", version=2, address="h***@example.org"),
        told("3", "order_paid", version=9),
        told("4", "gone", version=1),
    ]
    await store.write("notifications", rows)
    answer = await shop.client.get("/outbox/letters", params={"recipient": "99"})
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = answer.text
    assert "could not be paid (&lt;script&gt;" in page
    assert "<script>" not in page
    assert "Ours: 10.00" in page
    assert "h***@example.org" in page
    assert "SUPPRESSED: no_contact" in page
    assert (await shop.client.get("/outbox/letters", params={"recipient": "7"})).text.count("<section>") == 0


async def test_the_page_is_open_and_what_it_shows_is_for_who_may_read_it() -> None:
    async with open_auth_shop(auth_required=True) as shop:
        assert (await shop.client.get("/outbox")).status_code == 200
        assert problem(await shop.client.get("/outbox/letters")) == (401, "token_required")
        customer, admin = await shop.bearer(), await shop.bearer("admin", email=ADMIN)
        assert problem(await shop.client.get("/outbox/letters", headers=customer)) == (403, "forbidden")
        assert "Nobody was told" in (await shop.client.get("/outbox/letters", headers=admin)).text
