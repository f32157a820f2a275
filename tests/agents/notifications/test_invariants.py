"""What must hold at every instant, whatever comes, however often, in whichever order, and whoever crashes meanwhile."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.auth.events import Channels, Profile, UserCreated, UserPreferencesChanged, UserUpdated
from agents.notifications.carriers.port import Receipt, Result
from agents.notifications.tables import Status
from agents.orders.events import OrderCancelled, OrderPaid, OrderPaymentFailed
from agents.payments.events import PaymentRefunded
from streams import Record
from streams.testing.virtual_time import VirtualTimeLoop
from tests.agents.notifications.office import Pigeon, opened

TEN = Decimal("10.00")
CRASH = "crash"
USER = UUID(int=99)
HAZEL = UserCreated(USER, "hazel@example.org", Profile("Hazel", None, "+31612345689"), ["customer"])
ORDERS = [UUID(int=n) for n in (1, 2)]
EVENTS: list[Record] = [
    HAZEL,
    UserUpdated(USER, "rah@example.org", Profile("Hazel", None, None), ["customer"], ["email"]),
    UserPreferencesChanged(USER, Channels(email=True, sms=True, push=True)),
    UserPreferencesChanged(USER, Channels(email=False)),
    *(OrderPaid(order, USER, TEN, "EUR") for order in ORDERS),
    *(OrderCancelled(order, USER, TEN, "EUR") for order in ORDERS),
    *(OrderPaymentFailed(order, USER, TEN, "EUR", "declined") for order in ORDERS),
    *(PaymentRefunded(UUID(int=5), ORDERS[0], USER, TEN, "EUR", UUID(int=n)) for n in (6, 7)),
]
STEPS = st.lists(st.sampled_from([*EVENTS, CRASH]), max_size=12)
RESULTS = st.lists(st.sampled_from(list(Result)), max_size=20)


class Watched(Pigeon):
    """Fails the test as soon as a letter arrives a second time, or tells of a payment that nobody has told of."""

    def __init__(self, *, repeatable: bool, paid: set[str]) -> None:
        super().__init__(repeatable=repeatable)
        self._paid = paid
        self.faults: list[str] = []

    async def send(self, letter: Any) -> Receipt:
        receipt = await super().send(letter)
        arrived = Counter(one.id for one in self.arrived)
        self.faults += [f"{id} arrived {times} times" for id, times in arrived.items() if times > 1]
        about, template, _, _ = letter.id.split(":")
        if template == "order_paid" and about not in self._paid:
            self.faults.append(f"{about} was told to be paid")
        return receipt


async def _live(steps: list[Record | str], results: list[Result], *, repeatable: bool) -> None:
    paid: set[str] = set()
    pigeon = Watched(repeatable=repeatable, paid=paid)
    pigeon.script = [Receipt(result, "so it is") for result in results]
    async with opened(pigeon) as office:
        for step in steps:
            if isinstance(step, str):
                await office.crash()
                continue
            if isinstance(step, OrderPaid):
                paid.add(str(step.order_id))
            await office.hear(step)
        await office.hear(after=1_000)
        kept = await office.everything()
        told = Counter(await office.told())
    assert not pigeon.faults
    assert all(one.status in (Status.SENT, Status.FAILED, Status.SUPPRESSED) for one in kept)
    sent = {one.id for one in kept if one.status is Status.SENT}
    assert sent <= {letter.id for letter in pigeon.arrived}
    assert told["sent"] >= len(sent)


@given(STEPS, RESULTS, st.booleans())
@settings(max_examples=25, deadline=None)
def test_nothing_is_sent_twice_and_nobody_is_told_of_a_payment_that_was_not_made(
    steps: list[Record | str], results: list[Result], repeatable: bool
) -> None:
    """Invariants 9 and 17: at most one letter for each thing, text, way and recipient; `order_paid` for a payment."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_live(steps, results, repeatable=repeatable))
