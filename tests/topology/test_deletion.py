from dataclasses import replace

import pytest

from topology.deletion import delete
from topology.load import load_shop
from topology.plan import Conflict, Deletions, Step
from topology.spec import Binding, Exchange, Queue, Service, Topology
from topology.state import BindingState, ExchangeState, Observed, QueueState
from topology.wanted import Wanted

_WANTED = Wanted(
    Topology(
        (
            Service("s", (Exchange("news", "topic", "unrouted"),), queues=(Queue("q", (Binding("news", "#"),), ()),)),
            load_shop().service("shared"),
        )
    )
)
_DECLARED = next(queue for queue in _WANTED.queues if queue.name == "q")
_OLD = QueueState("old", (), messages=0)


def _observed(*queues: QueueState, bindings: tuple[BindingState, ...] = (), kind: str = "topic") -> Observed:
    exchange = ExchangeState("news", kind, (("alternate-exchange", "unrouted"),))
    return Observed({"news": exchange}, {queue.name: queue for queue in queues}, frozenset(bindings))


def _queues(*names: str) -> Deletions:
    return Deletions(queues=frozenset(names))


def _refusal(observed: Observed, deletions: Deletions) -> str:
    (change,), left = delete(_WANTED, observed, deletions)
    assert left == observed
    assert isinstance(change, Conflict)
    return str(change)


def test_nothing_is_deleted_that_is_not_named() -> None:
    observed = _observed(_OLD)
    assert delete(_WANTED, observed, Deletions()) == ([], observed)


def test_an_empty_queue_loses_its_bindings_first() -> None:
    bound = BindingState("news", "old", "#")
    steps, left = delete(_WANTED, _observed(_OLD, bindings=(bound,)), _queues("old"))
    assert steps == [Step("remove", bound), Step("remove", _OLD)]
    assert left == _observed()


@pytest.mark.parametrize(("messages", "problem"), [(3, "holds 3 messages"), (None, "not known whether it is empty")])
def test_a_queue_that_is_not_known_to_be_empty_stays(messages: int | None, problem: str) -> None:
    assert problem in _refusal(_observed(replace(_OLD, messages=messages)), _queues("old"))


def test_a_full_log_stays_until_its_retention_empties_it() -> None:
    log = QueueState("old", (("x-queue-type", "stream"),), messages=3)
    assert "Only its retention empties a log" in _refusal(_observed(log), _queues("old"))


def test_what_stands_as_declared_stays() -> None:
    declared = replace(_DECLARED, messages=0)
    assert "Take it out of the topology" in _refusal(_observed(declared), _queues("q"))
    assert "Take it out of the topology" in _refusal(_observed(), Deletions(exchanges=frozenset({"news"})))


def test_a_declared_queue_in_the_way_is_deleted_where_it_is_empty() -> None:
    wrong = QueueState("q", (("x-queue-type", "classic"),), messages=0)
    assert delete(_WANTED, _observed(wrong), _queues("q")) == ([Step("remove", wrong)], _observed())


def test_an_exchange_in_the_way_is_deleted_with_bindings_that_will_be_made_again() -> None:
    bound = BindingState("news", "q", "#")
    observed = _observed(_DECLARED, bindings=(bound,), kind="fanout")
    steps, left = delete(_WANTED, observed, Deletions(exchanges=frozenset({"news"})))
    assert [step.subject.kind for step in steps if isinstance(step, Step)] == ["binding", "exchange"]
    assert (left.exchanges, left.bindings) == ({}, frozenset())


def test_an_exchange_that_others_are_bound_to_stays() -> None:
    observed = _observed(_OLD, bindings=(BindingState("news", "old", "#"),), kind="fanout")
    assert "still bound to it: old" in _refusal(observed, Deletions(exchanges=frozenset({"news"})))


def test_a_queue_and_the_exchange_it_alone_was_bound_to_go_together() -> None:
    observed = _observed(_OLD, bindings=(BindingState("news", "old", "#"),), kind="fanout")
    _, left = delete(_WANTED, observed, Deletions(frozenset({"old"}), frozenset({"news"})))
    assert left == Observed()
