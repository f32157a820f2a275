"""The simulated provider: what tokens do, and that its money adds up."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.payments.provider.book import Book, BookUnavailable
from agents.payments.provider.port import (
    Answer,
    Authorize,
    Capture,
    Operation,
    Outcome,
    ProviderMisused,
    Refund,
    Void,
)
from agents.payments.provider.simulator import Simulator
from agents.payments.provider.tokens import Conduct, conduct

TEN = Decimal("10.00")


def charge(token: str = "tok_ok") -> Authorize:
    return Authorize(token, TEN, "EUR")


async def authorized(provider: Simulator, token: str = "tok_ok", key: str = "1:authorize") -> str:
    answer = await provider.ask(key, charge(token))
    assert answer.outcome is Outcome.DONE
    assert answer.reference
    return answer.reference


@pytest.mark.parametrize(
    ("token", "operation", "how"),
    [
        ("tok_ok", "authorize", Conduct.WORK),
        ("tok_decline", "authorize", Conduct.DECLINE),
        ("tok_decline_4711", "authorize", Conduct.DECLINE),
        ("tok_decline", "capture", Conduct.WORK),
        ("tok_decline_capture", "capture", Conduct.DECLINE),
        ("tok_decline_capture", "authorize", Conduct.WORK),
        ("tok_hang_refund", "refund", Conduct.HANG),
        ("tok_stuck", "refund", Conduct.STICK),
        ("tok_stuck", "authorize", Conduct.WORK),
        ("tok_whatever", "authorize", Conduct.WORK),
        ("decline", "authorize", Conduct.WORK),
    ],
)
def test_a_token_says_how_the_provider_behaves(token: str, operation: str, how: Conduct) -> None:
    assert conduct(token, operation) is how


async def test_a_card_that_works_is_charged_once_whatever_is_asked_again() -> None:
    provider = Simulator()
    reference = await authorized(provider)
    for _ in range(3):
        assert (await provider.ask("1:capture", Capture(reference, TEN))).outcome is Outcome.DONE
    again = await provider.ask("2:capture", Capture(reference, TEN))
    assert (again.outcome, again.code) == (Outcome.REFUSED, "already_captured")


async def test_a_declined_card_is_refused_and_stays_refused() -> None:
    provider = Simulator()
    for _ in range(2):
        assert await provider.ask("1:authorize", charge("tok_decline")) == Answer(Outcome.REFUSED, code="card_declined")


async def test_a_flaky_provider_works_at_the_third_try() -> None:
    provider = Simulator()
    outcomes = [(await provider.ask("1:authorize", charge("tok_flaky"))).outcome for _ in range(3)]
    assert outcomes == [Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.DONE]


async def test_a_lost_answer_can_be_looked_up() -> None:
    provider = Simulator()
    assert (await provider.look_up("1:authorize")).outcome is Outcome.ABSENT
    assert (await provider.ask("1:authorize", charge("tok_lost"))).outcome is Outcome.UNKNOWN
    assert (await provider.look_up("1:authorize")).outcome is Outcome.DONE
    assert (await provider.ask("1:authorize", charge("tok_lost"))).outcome is Outcome.DONE


async def test_what_hangs_is_never_done() -> None:
    provider = Simulator()
    for _ in range(3):
        assert (await provider.ask("1:authorize", charge("tok_hang"))).outcome is Outcome.UNKNOWN
    assert (await provider.look_up("1:authorize")).outcome is Outcome.ABSENT


async def test_a_key_that_is_used_for_something_else_is_our_mistake() -> None:
    provider = Simulator()
    await authorized(provider)
    with pytest.raises(ProviderMisused, match="1:authorize"):
        await provider.ask("1:authorize", Authorize("tok_ok", Decimal(11), "EUR"))


async def test_what_was_voided_cannot_be_captured_and_what_was_captured_cannot_be_voided() -> None:
    provider = Simulator()
    one, two = await authorized(provider), await authorized(provider, key="2:authorize")
    assert (await provider.ask("1:void", Void("1:authorize"))).outcome is Outcome.DONE
    assert (await provider.ask("1:capture", Capture(one, TEN))).code == "voided"
    assert (await provider.ask("2:capture", Capture(two, TEN))).outcome is Outcome.DONE
    assert (await provider.ask("2:void", Void("2:authorize"))).code == "already_captured"
    assert (await provider.ask("3:capture", Capture("auth_unknown", TEN))).code == "no_such_authorization"


@pytest.mark.parametrize("token", ["tok_ok", "tok_flaky"])
async def test_an_authorization_that_was_voided_before_it_came_is_refused(token: str) -> None:
    provider = Simulator()
    if token == "tok_flaky":
        await provider.ask("1:authorize", charge(token))
    assert (await provider.ask("1:void", Void("1:authorize"))).outcome is Outcome.DONE
    answers = [await provider.ask("1:authorize", charge(token)) for _ in range(2)]
    assert answers[-1].code == "voided"


async def test_a_refund_that_is_stuck_stays_so() -> None:
    provider = Simulator()
    reference = await authorized(provider, "tok_stuck")
    assert (await provider.ask("1:capture", Capture(reference, TEN))).outcome is Outcome.DONE
    answers = [await provider.ask("1:refund:a", Refund(reference, TEN)) for _ in range(10)]
    assert {answer.outcome for answer in answers} == {Outcome.UNKNOWN}


def test_many_may_take_a_new_book_into_use_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "provider.db")

    def use(number: int) -> Outcome:
        with closing(Book(path)) as book:
            return Simulator(book).take(f"{number}:authorize", charge()).answer.outcome

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(use, range(64))) == {Outcome.DONE}
    assert {file.name.partition("-")[0] for file in (tmp_path / "new").iterdir()} == {"provider.db"}


async def test_the_book_survives_the_process_and_is_shared_by_several(tmp_path: Path) -> None:
    path = str(tmp_path / "provider.db")
    first, second = Simulator(Book(path)), Simulator(Book(path))
    reference = await authorized(first)
    assert (await second.ask("1:capture", Capture(reference, TEN))).outcome is Outcome.DONE
    await first.close()
    third = Simulator(Book(path))
    assert (await third.ask("1:refund:a", Refund(reference, TEN))).outcome is Outcome.DONE
    for simulator in (second, third):
        await simulator.close()


def test_a_book_that_cannot_be_opened_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BookUnavailable, match="WARREN_DATA"):
        Simulator(Book(str(tmp_path / "file" / "provider.db"))).known("1:authorize")


AMOUNTS = st.decimals(min_value=-1, max_value=12, places=2)
KINDS = ("capture", "refund", "void")


def operation(kind: str, reference: str, amount: Decimal) -> Operation:
    if kind == "void":
        return Void("authorize")
    return Capture(reference, amount) if kind == "capture" else Refund(reference, amount)


@given(st.lists(st.tuples(st.sampled_from(KINDS), AMOUNTS), max_size=12))
def test_never_is_more_refunded_than_captured_or_captured_than_authorized(steps: list[tuple[str, Decimal]]) -> None:
    provider = Simulator()
    reference = provider.take("authorize", charge()).answer.reference
    assert reference
    done: dict[str, list[Decimal]] = {kind: [] for kind in KINDS}
    for number, (kind, amount) in enumerate(steps):
        if provider.take(str(number), operation(kind, reference, amount)).answer.outcome is Outcome.DONE:
            done[kind].append(amount)
    assert len(done["capture"]) <= 1
    assert not (done["void"] and done["capture"])
    assert 0 <= sum(done["refund"]) <= sum(done["capture"]) <= TEN
