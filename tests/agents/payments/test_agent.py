"""The payments agent with a provider that misbehaves, in virtual time."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest

from agents.payments.events import PaymentOperation, PaymentVoided
from agents.payments.provider.port import Answer, Authorize, Operation, Outcome, ProviderMisused
from agents.payments.rules.keys import Command
from agents.payments.seal import Seal, seal
from agents.payments.tables import Standing, State
from streams.breaker import Breaker, Limits
from tests.agents.payments.place import (
    ORDER,
    REFUND,
    TEN,
    Place,
    Watched,
    authorize,
    capture,
    place,
    query,
    refund,
    virtual,
    void,
)

AUTHORIZE, CAPTURE, VOID, BACK = PaymentOperation
AFTER: dict[PaymentOperation, list[Callable[[], Command]]] = {
    AUTHORIZE: [],
    CAPTURE: [capture],
    VOID: [void],
    BACK: [capture, refund],
}
"""What comes after the authorization, the operation itself last."""
SAID = {AUTHORIZE: "authorized", CAPTURE: "captured", VOID: "voided", BACK: "refunded"}


async def led_to(service: Place, operation: PaymentOperation, token: str) -> str:
    """Do what comes before an operation, then the operation; gives what was told of it."""
    await service.command(authorize(token))
    for step in AFTER[operation]:
        await service.command(step())
    return (await service.types())[-1]


@pytest.mark.parametrize("operation", PaymentOperation)
@virtual
async def test_what_works_is_told_and_done_once(operation: PaymentOperation) -> None:
    provider = Watched()
    async with place(provider) as service:
        assert await led_to(service, operation, "tok_ok") == SAID[operation]
        assert set(provider.done.values()) == {1}
        assert (await service.payment()).payment_token is None


@pytest.mark.parametrize("operation", PaymentOperation)
@virtual
async def test_a_no_is_told_with_its_operation_and_code(operation: PaymentOperation) -> None:
    async with place(Watched()) as service:
        said = await led_to(service, operation, f"tok_decline_{operation}")
        news = (await service.told())[-1]
        assert said == ("refund_stuck" if operation is BACK else "failed")
        assert news.code == "card_declined"
        assert getattr(news.event, "refund_id", None) == (REFUND if operation is BACK else None)
        if operation is not BACK:
            assert getattr(news.event, "operation", None) is operation


@pytest.mark.parametrize("operation", PaymentOperation)
@virtual
async def test_an_answer_that_was_lost_is_unknown_and_found_by_a_query(operation: PaymentOperation) -> None:
    provider = Watched()
    async with place(provider) as service:
        assert await led_to(service, operation, f"tok_lost_{operation}") == "unknown"
        asked = provider.asked.total()
        await service.command(query(operation))
        assert (await service.types())[-1] == SAID[operation]
        assert provider.asked.total() == asked, "the provider knew: it is not asked again"


@pytest.mark.parametrize("operation", PaymentOperation)
@virtual
async def test_what_the_provider_was_too_ill_to_do_is_done_by_queries(operation: PaymentOperation) -> None:
    provider = Watched()
    async with place(provider) as service:
        assert await led_to(service, operation, f"tok_flaky_{operation}") == "unknown"
        await service.command(query(operation))
        await service.command(query(operation))
        assert (await service.types())[-2:] == ["unknown", SAID[operation]]
        assert set(provider.done.values()) == {1}


@pytest.mark.parametrize("operation", [AUTHORIZE, CAPTURE, VOID])
@virtual
async def test_what_hangs_stays_unknown_under_one_id(operation: PaymentOperation) -> None:
    async with place(Watched()) as service:
        await led_to(service, operation, f"tok_hang_{operation}")
        for _ in range(6):
            await service.command(query(operation))
        unknown = [news for news in await service.told() if news.type == "payment.unknown"]
        assert len(unknown) == 7
        assert len({news.id for news in unknown}) == 1
        assert (await service.payment()).state is Standing.UNKNOWN
        assert [entry.outcome for entry in await service.lines()].count("unknown") == 1


@pytest.mark.parametrize("token", ["tok_stuck", "tok_hang_refund"])
@virtual
async def test_a_refund_is_stuck_with_the_fifth_answer_that_says_nothing(token: str) -> None:
    async with place(Watched()) as service:
        await led_to(service, BACK, token)
        for _ in range(4):
            await service.command(query(BACK))
        assert (await service.types())[2:] == ["unknown"] * 4 + ["refund_stuck"]
        assert (await service.payment()).state is Standing.STUCK


@virtual
async def test_a_hanging_authorization_that_is_voided_is_over_whatever_is_asked_then() -> None:
    provider = Watched()
    async with place(provider) as service:
        await service.command(authorize("tok_hang"))
        await service.command(void())
        await service.command(authorize("tok_hang"), query(AUTHORIZE), capture())
        assert (await service.types())[:2] == ["unknown", "voided"]
        told = await service.told()
        assert isinstance(told[1].event, PaymentVoided)
        assert told[1].event.amount == 0, "nothing was set aside"
        assert [(news.type, news.code) for news in told[2:]] == [("payment.failed", "voided")] * 3
        assert provider.done == {"void": 1}


class Slow(Watched):
    """A provider that acts at once and takes a second to say so of authorizations."""

    async def ask(self, key: str, operation: Operation) -> Answer:
        answer = await super().ask(key, operation)
        if isinstance(operation, Authorize):
            await asyncio.sleep(1)
        return answer


@virtual
async def test_an_authorization_that_was_voided_while_its_answer_was_on_its_way_is_over() -> None:
    async with place(Slow()) as service:
        await service.command(authorize(), seconds=0.5)
        await service.command(void(), seconds=2)
        assert await service.types() == ["voided", "failed"]
        assert (await service.told())[-1].code == "voided"
        assert (await service.payment()).state is Standing.VOIDED
        assert {status.retried for status in service.worker.status()} == {0}


@virtual
async def test_an_authorization_that_comes_after_its_void_is_refused() -> None:
    provider = Watched()
    async with place(provider) as service:
        await service.command(void())
        await service.command(authorize())
        assert await service.types() == ["voided", "failed"]
        assert provider.done == {"void": 1}


@virtual
async def test_what_builds_on_something_unknown_is_unknown_until_that_is_known() -> None:
    provider = Watched()
    async with place(provider) as service:
        await service.command(authorize("tok_lost"))
        await service.command(capture())
        assert (await service.told())[-1].code == "perhaps_not_authorized"
        assert provider.asked == {"authorize": 1}
        await service.command(query(AUTHORIZE))
        await service.command(capture())
        assert await service.types() == ["unknown", "unknown", "authorized", "captured"]


@virtual
async def test_a_command_that_comes_again_has_the_same_event_and_changes_nothing() -> None:
    provider = Watched()
    async with place(provider) as service:
        for _ in range(3):
            for command in (authorize(), capture(), refund()):
                await service.command(command)
        assert len({news.id for news in await service.told()}) == 3
        assert set(provider.done.values()) == {1}
        assert [entry.outcome for entry in await service.lines()] == ["authorized", "captured", "refunded"]


@virtual
async def test_refunds_never_give_back_more_than_was_taken_even_at_once() -> None:
    provider = Watched()
    async with place(provider) as service:
        await led_to(service, CAPTURE, "tok_ok")
        six = Decimal("6.00")
        await service.command(*(refund(six, UUID(int=100 + n)) for n in range(4)))
        assert sorted((await service.types())[2:]) == ["failed"] * 3 + ["refunded"]
        balance = await service.balance()
        assert balance is not None
        assert (balance.captured, balance.refunded) == (TEN, six)


@virtual
async def test_a_query_of_what_nobody_wanted_is_unknown_and_keeps_nothing() -> None:
    async with place(Watched()) as service:
        await service.command(query(BACK))
        (news,) = await service.told()
        assert (news.type, news.code) == ("payment.unknown", "not_asked")
        assert (await service.store.query("payments")).rows == []


class Dying(Watched):
    """A provider after whose next deed, or before it, the process dies."""

    def __init__(self, *, before: bool) -> None:
        super().__init__()
        self._deaths = [before]

    async def ask(self, key: str, operation: Operation) -> Answer:
        before = self._deaths.pop() if self._deaths else None
        if before:
            raise ConnectionAbortedError("dead before the deed")
        answer = await super().ask(key, operation)
        if before is False:
            raise ConnectionAbortedError("dead after the deed")
        return answer


@pytest.mark.parametrize("before", [True, False], ids=["before the deed", "between deed and outcome"])
@virtual
async def test_what_broke_off_after_its_intent_is_taken_up_under_the_same_key(before: bool) -> None:
    provider = Dying(before=before)
    async with place(provider) as service:
        await service.command(authorize(), seconds=0.5)
        assert (await service.payment()).acts["authorize"].state is State.ASKED
        assert await service.types() == []
        await service.command(seconds=2)
        assert await service.types() == ["authorized"]
        assert provider.done == {"authorize": 1}


class Silent(Watched):
    """A provider whose first call does its deed, or does not, and never returns."""

    def __init__(self, *, before: bool) -> None:
        super().__init__()
        self._calls = iter([before])

    async def ask(self, key: str, operation: Operation) -> Answer:
        before = next(self._calls, None)
        if before is None:
            return await super().ask(key, operation)
        if not before:
            await super().ask(key, operation)
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize("before", [True, False], ids=["before the deed", "between deed and outcome"])
@virtual
async def test_a_process_that_dies_with_an_intent_leaves_it_to_the_next_one(before: bool) -> None:
    provider = Silent(before=before)
    async with place(provider) as service:
        await service.command(authorize())
        assert (await service.payment()).acts["authorize"].state is State.ASKED
        await service.crash()
        await service.command(capture(), seconds=10)
        assert await service.types() == ["authorized", "captured"]
        assert provider.done == {"authorize": 1, "capture": 1}


@virtual
async def test_a_query_settles_what_broke_off() -> None:
    provider = Dying(before=False)
    async with place(provider) as service:
        await service.command(authorize(), query(AUTHORIZE), seconds=0.5)
        assert await service.types() == ["authorized"]
        await service.command(seconds=2)
        assert [news.id for news in await service.told()] == [(await service.told())[0].id] * 2
        assert len(await service.lines()) == 1


@virtual
async def test_a_capture_waits_by_the_ladder_while_its_authorization_is_under_way() -> None:
    async with place(Dying(before=False)) as service:
        await service.command(authorize(), capture(), seconds=0.5)
        assert await service.types() == []
        await service.command(seconds=10)
        assert await service.types() == ["authorized", "captured"]


class Resting:
    """A provider behind a breaker that has opened."""

    def __init__(self) -> None:
        self.breaker = Breaker(Limits(calls=1))
        self.came = 0

    async def ask(self, key: str, operation: Operation) -> Answer:
        return self._answer()

    async def look_up(self, key: str) -> Answer:
        return self._answer()

    def _answer(self) -> Answer:
        ticket = self.breaker.admit(0)
        if ticket is None:
            return Answer(Outcome.UNKNOWN, code="provider_resting")
        self.came += 1
        self.breaker.record(ticket, 0, ok=False)
        return Answer(Outcome.UNKNOWN, code="unreachable")


@virtual
async def test_while_the_breaker_is_open_everything_is_unknown_and_nothing_climbs_the_ladder() -> None:
    provider = Resting()
    async with place(provider) as service:
        for command in (authorize(), query(AUTHORIZE), void()):
            await service.command(command)
        assert [(n.type, n.code) for n in await service.told()] == [
            ("payment.unknown", "unreachable"),
            ("payment.unknown", "provider_resting"),
            ("payment.unknown", "provider_resting"),
        ]
        assert provider.came == 1
        assert {status.retried for status in service.worker.status()} == {0}


class Misused(Watched):
    async def ask(self, key: str, operation: Operation) -> Answer:
        raise ProviderMisused("this is no request")


@virtual
async def test_a_mistake_of_ours_climbs_the_ladder_and_becomes_a_dead_letter() -> None:
    async with place(Misused()) as service:
        await service.command(authorize(), seconds=3600)
        assert await service.types() == []
        assert len(await service.log("dead.letters")) == 1


SECRET = "tok_flaky_4711_nobody_may_read"


@virtual
async def test_a_token_is_in_no_message_table_or_log_line_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    provider = Watched()
    async with place(provider) as service:
        closed = authorize(seal.close(SECRET, ORDER))
        await service.command(closed)
        kept = (await service.payment()).payment_token
        assert kept == closed.payment_token, "sealed as it came"
        assert SECRET.encode() not in await service.dump()
        await service.command(query(AUTHORIZE), query(AUTHORIZE))
        assert (await service.types())[-1] == "authorized", "and opened for the provider"
        assert (await service.payment()).payment_token is None
        assert SECRET.encode() not in await service.dump()
    assert SECRET not in "".join(capsys.readouterr())


@virtual
async def test_a_token_from_before_there_were_seals_is_sealed_when_it_is_kept() -> None:
    async with place(Watched()) as service:
        await service.command(authorize(SECRET))
        kept = (await service.payment()).payment_token
        assert kept is not None
        assert seal.open(kept, ORDER) == SECRET
        assert SECRET.encode() not in await service.dump()


@virtual
async def test_a_token_under_a_key_that_is_missing_is_a_dead_letter_that_names_the_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    provider = Watched()
    async with place(provider) as service:
        await service.command(authorize(Seal([bytes(32)]).close(SECRET, ORDER)), seconds=3600)
        assert provider.asked.total() == 0
        (letter,) = await service.log("dead.letters")
        assert SECRET.encode() not in letter.body
    assert "WARREN_SEAL_KEYS" in "".join(capsys.readouterr())


@virtual
async def test_what_cannot_be_captured_is_let_go() -> None:
    async with place(Watched()) as service:
        for command in (authorize("tok_decline_capture"), capture(), void()):
            await service.command(command)
        assert await service.types() == ["authorized", "failed", "voided"]
        balance = await service.balance()
        assert balance is not None
        assert (balance.authorized, balance.voided, balance.captured) == (TEN, TEN, Decimal(0))
