"""The circuit breaker, in given times."""

from hypothesis import given
from hypothesis import strategies as st

from streams.breaker import Breaker, Circuit, Limits

LIMITS = Limits(calls=20, share=0.5, window=10.0, rest=30.0, probes=3)


def call(breaker: Breaker, now: float, *, ok: bool) -> bool:
    """Whether the call was admitted."""
    ticket = breaker.admit(now)
    if ticket is not None:
        breaker.record(ticket, now, ok=ok)
    return ticket is not None


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(LIMITS)
    assert sum(call(breaker, now, ok=False) for _ in range(30)) == 20
    assert breaker.circuit is Circuit.OPEN
    return breaker


def test_nineteen_failures_open_nothing_and_the_twentieth_does() -> None:
    breaker = Breaker(LIMITS)
    for _ in range(19):
        assert call(breaker, 0.0, ok=False)
    assert breaker.circuit is Circuit.CLOSED
    assert call(breaker, 0.0, ok=False)
    assert not call(breaker, 0.0, ok=False)


def test_less_than_half_failing_opens_nothing() -> None:
    breaker = Breaker(LIMITS)
    assert all(call(breaker, n / 100, ok=n % 5 >= 2) for n in range(1, 500))


def test_failures_that_are_older_than_the_window_are_forgotten() -> None:
    breaker = Breaker(LIMITS)
    assert all(call(breaker, n * 0.6, ok=False) for n in range(200))


def test_it_rests_and_then_lets_three_probes_through() -> None:
    breaker = opened()
    assert breaker.admit(29.9) is None
    tickets = [breaker.admit(30.0) for _ in range(5)]
    assert [ticket is not None for ticket in tickets] == [True, True, True, False, False]
    for ticket in tickets[:3]:
        assert ticket is not None
        breaker.record(ticket, 31.0, ok=True)
    assert breaker.circuit is Circuit.CLOSED
    assert call(breaker, 31.0, ok=True)


def test_one_failed_probe_opens_it_again() -> None:
    breaker = opened()
    assert call(breaker, 30.0, ok=True)
    assert call(breaker, 30.0, ok=False)
    assert not call(breaker, 59.9, ok=True)
    assert call(breaker, 60.0, ok=True)


def test_probes_that_never_come_back_are_made_up_for() -> None:
    breaker = opened()
    assert [breaker.admit(30.0) is not None for _ in range(4)] == [True, True, True, False]
    assert breaker.admit(60.0) is not None


def test_a_call_from_before_says_nothing_about_now() -> None:
    breaker = Breaker(LIMITS)
    late = breaker.admit(0.0)
    assert late is not None
    for _ in range(20):
        call(breaker, 0.0, ok=False)
    assert call(breaker, 30.0, ok=True)
    breaker.record(late, 30.0, ok=False)
    assert breaker.circuit is Circuit.PROBING


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=300))
def test_it_opens_only_on_a_bad_share_and_always_admits_again_after_its_rest(steps: list[tuple[float, bool]]) -> None:
    breaker, now = Breaker(LIMITS), 0.0
    calls: list[tuple[float, bool]] = []
    for pause, ok in steps:
        now += pause
        before = breaker.circuit
        if call(breaker, now, ok=ok):
            calls.append((now, ok))
        if before is Circuit.CLOSED and breaker.circuit is Circuit.OPEN:
            recent = [well for at, well in calls if at > now - LIMITS.window - 1]
            assert len(recent) >= LIMITS.calls
            assert recent.count(False) >= LIMITS.calls * LIMITS.share
    assert breaker.admit(now + LIMITS.rest) is not None
