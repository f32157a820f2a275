"""What becomes of a notification, rule by rule."""

from datetime import UTC, datetime

import pytest

from agents.auth.events import Channels
from agents.notifications import rules
from agents.notifications.carriers.port import Receipt, Result
from agents.notifications.events import NotificationFailed, NotificationSent, NotificationSuppressed
from agents.notifications.rules import LEASE, Step, Way
from agents.notifications.tables import Channel, Contact, Notification, Preferences, Status

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONTACT = Contact("hazel@example.org", NOON)


def at(status: Status, reason: str | None = None) -> Notification:
    return Notification("1:order_paid:email:9", Channel.EMAIL, "9", "order_paid", {}, status, reason=reason)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (Status.SENT, NotificationSent("1:order_paid:email:9", "email", "order_paid")),
        (Status.FAILED, NotificationFailed("1:order_paid:email:9", "email", "order_paid", "unknown")),
        (Status.SUPPRESSED, NotificationSuppressed("1:order_paid:email:9", "email", "order_paid", "unknown")),
        (Status.PENDING, None),
        (Status.SENDING, None),
        (Status.KEPT, None),
    ],
)
def test_what_has_ended_is_told(status: Status, told: object) -> None:
    assert rules.told(at(status)) == told


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_what_a_receipt_makes_of_it(again: bool, last: bool) -> None:
    def ended(result: Result) -> Status:
        return rules.ended(at(Status.SENDING), Receipt(result), NOON, again=again, last=last).status

    assert ended(Result.SENT) is Status.SENT
    assert ended(Result.REFUSED) is Status.FAILED
    assert ended(Result.NOT_SENT) is (Status.FAILED if last else Status.PENDING)
    assert ended(Result.UNKNOWN) is (Status.PENDING if again and not last else Status.FAILED)


@pytest.mark.parametrize("repeatable", [False, True])
def test_a_lease_is_waited_for_and_then_its_outcome_is_unknown(repeatable: bool) -> None:
    sending = rules.leased(at(Status.PENDING), NOON, 1)
    step = {when: rules.step(sending, when, repeatable=repeatable, answered=False) for when in (NOON, NOON + LEASE)}
    assert step == {NOON: Step.WAIT, NOON + LEASE: Step.SEND if repeatable else Step.GIVE_UP}
    assert rules.step(sending, NOON, repeatable=repeatable, answered=True) is Step.SEND
    sending.lease_until = None
    assert rules.step(sending, NOON, repeatable=False, answered=False) is Step.GIVE_UP


def test_ways_are_what_the_user_wants_and_has() -> None:
    wishes = Preferences(Channels(email=False, sms=True), NOON)
    assert rules.ways(False, CONTACT, wishes) == [Way(Channel.SMS, "", "no_phone")]
    assert rules.ways(True, CONTACT, Preferences(Channels(email=False), NOON)) == [Way(Channel.EMAIL, CONTACT.email)]
    assert rules.ways(False, CONTACT, Preferences(Channels(email=False), NOON))[0].objection == "opted_out"
    assert rules.ways(True, None, None)[0].objection == "no_contact"
