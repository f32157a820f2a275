"""The notifications agent: who is told what, by which ways, and that nobody is told anything twice."""

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from agents.auth.events import (
    Channels,
    Profile,
    UserCreated,
    UserPreferencesChanged,
    UserTokenReuseDetected,
    UserUpdated,
)
from agents.notifications.carriers.port import Receipt, Result
from agents.notifications.rules import LEASE, TRIES
from agents.notifications.tables import Status, Template, templates
from agents.orders.events import OrderCancelled, OrderPaid, OrderShipped
from agents.payments.events import PaymentRefunded, PaymentRefundStuck
from tests.agents.notifications.office import NOON, Pigeon, opened, virtual
from topology.load import load_shop

ORDER, USER = UUID(int=1), UUID(int=99)
TEN = Decimal("10.00")
HAZEL = UserCreated(USER, "hazel@example.org", Profile("Hazel", "Rah", "+31612345689"), ["customer"])
PAID = OrderPaid(ORDER, USER, TEN, "EUR")
NOT_SENT = Receipt(Result.NOT_SENT, "refused")
LOST = Receipt(Result.UNKNOWN, "cut")
STUCK = PaymentRefundStuck(UUID(int=5), ORDER, USER, TEN, "EUR", UUID(int=6), "unavailable")


def test_the_rules_know_how_often_the_topology_lets_an_event_be_tried() -> None:
    queues = [queue for name, queue in load_shop().queues.items() if name.startswith("notifications.")]
    assert {len(queue.retry) + 1 for queue in queues} == {TRIES}


@virtual
async def test_a_user_is_welcomed_and_told_of_every_step_by_mail() -> None:
    async with opened() as office:
        refund = PaymentRefunded(UUID(int=5), ORDER, USER, TEN, "EUR", UUID(int=6))
        shipped = OrderShipped(ORDER, USER, TEN, "EUR", "Swift", "S1")
        cancelled = OrderCancelled(ORDER, USER, TEN, "EUR", "asked for")
        await office.hear(HAZEL, PAID, shipped, cancelled, refund)
        assert [letter.subject for letter in office.pigeon.arrived] == [
            "Welcome, Hazel",
            f"Your order {ORDER} is paid",
            f"Your order {ORDER} is on its way",
            f"Your order {ORDER} is cancelled",
            "10.00 EUR are paid back",
        ]
        assert {letter.address for letter in office.pigeon.arrived} == {"hazel@example.org"}
        assert await office.told() == ["sent"] * 5
        kept = await office.kept()
        paid = kept["order_paid email"]
        assert (paid.status, paid.address, paid.recipient) == (Status.SENT, "h***@example.org", str(USER))
        assert paid.sent_at is not None


@virtual
async def test_an_event_that_comes_twice_is_told_once() -> None:
    async with opened() as office:
        await office.hear(HAZEL, PAID, PAID, HAZEL)
        assert [letter.id.split(":")[1] for letter in office.pigeon.arrived] == ["welcome", "order_paid"]


@virtual
async def test_two_refunds_of_one_order_are_two_letters() -> None:
    async with opened() as office:
        refunds = [PaymentRefunded(UUID(int=5), ORDER, USER, TEN, "EUR", UUID(int=n)) for n in (6, 7)]
        await office.hear(HAZEL, *refunds)
        assert office.pigeon.given == 3


@virtual
async def test_a_user_nobody_knows_the_address_of_is_told_nothing_and_why_is_kept() -> None:
    async with opened() as office:
        await office.hear(PAID)
        kept = (await office.kept())["order_paid email"]
        assert (kept.status, kept.reason, kept.address) == (Status.SUPPRESSED, "no_contact", None)
        assert await office.told() == ["suppressed"]
        assert office.pigeon.given == 0


@virtual
async def test_users_are_told_by_the_ways_they_want_and_security_alerts_do_not_ask() -> None:
    async with opened() as office:
        wishes = UserPreferencesChanged(USER, Channels(email=False, sms=True, push=True))
        alert = UserTokenReuseDetected(USER, UUID(int=7), "192.0.2.1")
        await office.hear(HAZEL, wishes, PAID, alert)
        assert [(letter.id.split(":")[2], letter.address) for letter in office.pigeon.arrived[1:]] == [
            ("sms", "+31612345689"),
            ("push", str(USER)),
            ("email", "hazel@example.org"),
            ("sms", "+31612345689"),
            ("push", str(USER)),
        ]
        await office.hear(UserPreferencesChanged(USER, Channels(email=False)), OrderCancelled(ORDER, USER, TEN, "EUR"))
        kept = (await office.kept())["order_cancelled email"]
        assert (kept.status, kept.reason) == (Status.SUPPRESSED, "opted_out")


@virtual
async def test_preferences_that_come_late_do_not_undo_newer_ones() -> None:
    async with opened() as office:
        await office.hear(HAZEL, UserPreferencesChanged(USER, Channels(email=False, sms=True)))
        await office.hear(UserPreferencesChanged(USER, Channels(email=True)), at=NOON - 60_000)
        await office.hear(PAID)
        assert office.pigeon.arrived[-1].id.split(":")[2] == "sms"


@virtual
async def test_a_refund_that_is_stuck_is_told_to_the_shop_s_own_people_once_and_not_to_the_customer() -> None:
    async with opened(operators="till@shop.example") as office:
        await office.hear(HAZEL, STUCK, STUCK)
        welcome, letter = office.pigeon.arrived
        assert (welcome.address, letter.address) == ("hazel@example.org", "till@shop.example")
        assert letter.subject == f"A refund is stuck: 10.00 EUR of order {ORDER}"
        kept = (await office.kept())["refund_stuck email"]
        assert (kept.recipient, kept.address, kept.status) == ("operators", "t***@shop.example", Status.SENT)


@virtual
async def test_where_nobody_of_the_shop_has_an_address_a_stuck_refund_is_kept_and_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with opened() as office:
        await office.hear(HAZEL, STUCK)
        kept = (await office.kept())["refund_stuck email"]
        assert (kept.status, kept.reason) == (Status.SUPPRESSED, "no_operators")
        assert office.pigeon.given == 1
    assert "a refund is stuck" in "".join(capsys.readouterr())


@virtual
async def test_a_user_is_told_at_the_newest_address_whatever_the_order_it_comes_in() -> None:
    async with opened() as office:
        moved = UserUpdated(USER, "hazel@warren.example", Profile("Hazel", "Rah"), ["customer"], ["email"])
        await office.hear(moved, at=NOON + 60_000)
        await office.hear(HAZEL, at=NOON)
        await office.hear(PAID)
        assert [letter.address for letter in office.pigeon.arrived] == ["hazel@warren.example"] * 2
        assert [letter.id.split(":")[1] for letter in office.pigeon.arrived] == ["welcome", "order_paid"]


@virtual
async def test_what_could_not_be_sent_is_sent_later() -> None:
    async with opened() as office:
        await office.hear(HAZEL)
        office.pigeon.script = [NOT_SENT, NOT_SENT]
        await office.hear(PAID, after=0.5)
        assert (await office.kept())["order_paid email"].status is Status.PENDING
        await office.hear(after=10)
        assert (await office.kept())["order_paid email"].status is Status.SENT
        assert len(office.pigeon.arrived) == 2
        assert await office.told() == ["sent", "sent"]


@virtual
@pytest.mark.parametrize("channels", [Channels(email=False), Channels(email=False, push=True)])
async def test_what_could_not_be_sent_is_not_sent_to_who_does_not_want_it_any_more(channels: Channels) -> None:
    async with opened() as office:
        await office.hear(HAZEL)
        office.pigeon.script = [NOT_SENT]
        await office.hear(PAID, after=0.5)
        await office.hear(UserPreferencesChanged(HAZEL.user_id, channels), after=100)
        kept = await office.kept()
        assert (kept["order_paid email"].status, kept["order_paid email"].reason) == (Status.SUPPRESSED, "opted_out")
        assert "suppressed" in await office.told()
        assert [letter.id.split(":")[1:3] for letter in office.pigeon.arrived if "email" in letter.id] == [
            ["welcome", "email"]
        ]
        assert ("order_paid push" in kept) is channels.push


@virtual
async def test_what_can_never_be_sent_has_failed_in_the_end_and_that_is_told() -> None:
    async with opened() as office:
        await office.hear(HAZEL)
        office.pigeon.script = [NOT_SENT] * TRIES
        await office.hear(PAID, after=1_000)
        kept = (await office.kept())["order_paid email"]
        assert (kept.status, kept.reason) == (Status.FAILED, "refused")
        assert await office.told() == ["sent", "failed"]
        assert (await office.server.connect("x").extent("dead.letters")).last == -1


@virtual
async def test_a_refusal_for_good_is_not_tried_again() -> None:
    async with opened() as office:
        office.pigeon.script = [Receipt(Result.REFUSED, "smtp_550")]
        await office.hear(HAZEL, after=1_000)
        assert (await office.kept())["welcome email"].reason == "smtp_550"
        assert office.pigeon.given == 1


@virtual
async def test_a_lost_answer_is_a_failure_where_a_repeat_would_arrive_twice() -> None:
    async with opened() as office:
        office.pigeon.script = [LOST]
        await office.hear(HAZEL, after=1_000)
        kept = (await office.kept())["welcome email"]
        assert (kept.status, kept.reason) == (Status.FAILED, "unknown")
        assert len(office.pigeon.arrived) == 1
        assert await office.told() == ["failed"]


@virtual
async def test_a_lost_answer_is_asked_for_again_where_a_repeat_is_known() -> None:
    async with opened(Pigeon(repeatable=True)) as office:
        office.pigeon.script = [LOST]
        await office.hear(HAZEL, after=100)
        assert (await office.kept())["welcome email"].status is Status.SENT
        assert (office.pigeon.given, len(office.pigeon.arrived)) == (2, 1)


@pytest.mark.parametrize("repeatable", [False, True])
@virtual
async def test_a_crash_between_sending_and_writing_it_down(repeatable: bool) -> None:
    """The letter arrives once. Where the carrier knows no repeats, its fate is unknown."""
    async with opened(Pigeon(repeatable=repeatable)) as office:
        sent = asyncio.Event()

        async def send_and_hang() -> Receipt:
            sent.set()
            await asyncio.Event().wait()
            raise AssertionError

        office.pigeon.script = [send_and_hang]
        await office.hear(HAZEL)
        assert sent.is_set()
        assert (await office.kept())["welcome email"].status is Status.SENDING
        await office.crash()
        await office.hear(after=LEASE.total_seconds() - 30)
        assert (await office.kept())["welcome email"].status is Status.SENDING
        await office.hear(after=1_000)
        kept = (await office.kept())["welcome email"]
        assert kept.status is (Status.SENT if repeatable else Status.FAILED)
        assert office.pigeon.given == (2 if repeatable else 1)
        assert len(await office.told()) == 1


@virtual
async def test_a_store_that_is_away_after_sending_makes_nothing_unknown() -> None:
    async with opened() as office:
        office.store.before, office.store.failures = 2, 3
        await office.hear(HAZEL, after=30)
        assert office.store.failures == 0
        assert (await office.kept())["welcome email"].status is Status.SENT
        assert office.pigeon.given == 1


@virtual
async def test_a_changed_template_is_used_and_its_version_is_kept() -> None:
    async with opened() as office:
        await office.hear(HAZEL)
        own = Template("order_paid", 2, "Paid: {{ total }}", "{{ total }}", "<b>{{ total }}</b>", "{{ total }}")
        await templates.put("order_paid", own, 0)
        await office.hear(PAID)
        assert office.pigeon.arrived[-1].subject == "Paid: 10.00"
        kept = await office.kept()
        assert (kept["welcome email"].version, kept["order_paid email"].version) == (1, 2)


@virtual
async def test_where_a_changed_template_cannot_be_filled_the_one_that_comes_with_the_service_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with opened() as office:
        await office.hear(HAZEL)
        await templates.put("order_paid", Template("order_paid", 2, "{{ nobody }}", "", "", ""), 0)
        await office.hear(PAID)
        assert office.pigeon.arrived[-1].subject == f"Your order {ORDER} is paid"
        assert (await office.kept())["order_paid email"].version == 1
    assert "a template cannot be filled" in "".join(capsys.readouterr())


@virtual
async def test_logs_show_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    async with opened() as office:
        office.pigeon.script = [NOT_SENT, Receipt(Result.REFUSED, "smtp_550")]
        await office.hear(HAZEL, after=30)
    logged = "".join(capsys.readouterr())
    assert "h***@example.org" in logged
    assert "hazel@" not in logged
