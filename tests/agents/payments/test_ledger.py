"""The ledger at work: append only, whatever comes again."""

from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import msgspec

from agents.payments.events import PaymentCaptured, PaymentFailed, PaymentOperation
from agents.payments.rules.happened import Happened
from tests.agents.payments.place import ORDER, TEN, USER, Place, Watched, authorize, capture, place, refund, virtual

PAYMENT = UUID(int=9)
TAKEN = PaymentCaptured(PAYMENT, ORDER, USER, TEN, "EUR")
REFUSED = PaymentFailed(PAYMENT, ORDER, USER, TEN, "EUR", "card_declined", PaymentOperation.CAPTURE)


async def rows(service: Place) -> dict[str, Any]:
    """Every line of the ledger, by its key."""
    return {row.key: msgspec.json.decode(row.value) for row in (await service.store.query("ledger")).rows}


async def tell(service: Place, event: Happened, id: int) -> None:
    """Publish an event of payments under a message id."""
    await service.publisher.publish([service.publisher.record("payment.events", event, id=str(UUID(int=id)))])


@virtual
async def test_an_event_that_comes_under_another_id_adds_no_line_and_no_money() -> None:
    async with place(Watched()) as service:
        for id in range(3):
            await tell(service, TAKEN, id)
        await service.command()
        assert list(await rows(service)) == [f"{ORDER}:capture:captured"]
        balance = await service.balance()
        assert balance is not None
        assert balance.captured == TEN


@virtual
async def test_a_line_that_is_there_is_never_changed() -> None:
    async with place(Watched()) as service:
        await tell(service, TAKEN, 1)
        await service.command()
        before = await rows(service)
        await tell(service, PaymentCaptured(PAYMENT, ORDER, USER, Decimal("99.00"), "EUR"), 2)
        await tell(service, REFUSED, 3)
        await service.command()
        after = await rows(service)
        assert {key: after[key] for key in before} == before
        assert set(after) - set(before) == {f"{ORDER}:capture:failed"}


@virtual
async def test_the_whole_log_read_again_gives_the_same_ledger() -> None:
    async with place(Watched()) as service:
        for command in (authorize("tok_flaky_capture"), capture(), capture(), capture(), refund(Decimal("4.00"))):
            await service.command(command)
        before, sums = await rows(service), await service.balance()
        assert [key.removeprefix(f"{ORDER}:").rpartition(":")[2] for key in sorted(before)] == [
            "authorized",
            "captured",
            "unknown",
            "refunded",
        ]
        for number, news in enumerate(await service.told()):
            await tell(service, news.event, 100 + number)
        await service.command()
        assert (await rows(service), await service.balance()) == (before, sums)
        assert sums is not None
        assert (sums.authorized, sums.captured, sums.refunded) == (TEN, TEN, Decimal("4.00"))


def test_the_sums_do_not_depend_on_the_order_of_the_events() -> None:
    found = set()

    @virtual
    async def run(order: tuple[Happened, ...]) -> None:
        async with place(Watched()) as service:
            for number, event in enumerate(order):
                await tell(service, event, number)
            await service.command()
            balance = await service.balance()
            assert balance is not None
            found.add((balance.captured, tuple(sorted(await rows(service)))))

    for order in permutations((TAKEN, REFUSED, TAKEN)):
        run(order)
    assert len(found) == 1
