from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.topology.model import after
from tests.topology.strategies import topologies
from topology.credentials import Password, StoredPassword
from topology.diff import diff
from topology.load import load_shop
from topology.plan import Deletions, Plan
from topology.spec import Binding, Log, Queue, Service, Topology
from topology.state import BindingState, ExchangeState, Observed, Policy, QueueState

_SHOP = load_shop()
_PASSWORDS = {service.name: Password(service.name) for service in _SHOP.services}
_QUEUE = Queue("q", (Binding("dlx", "#"),), retry=("1s",))


def _topology(*targets: Queue | Log) -> Topology:
    """The shop's shared service, and one with these queues and logs."""
    queues = tuple(target for target in targets if isinstance(target, Queue))
    logs = tuple(target for target in targets if isinstance(target, Log))
    return Topology((Service("s", queues=queues, logs=logs), _SHOP.service("shared")))


def _standing(topology: Topology) -> Observed:
    return after(Observed(), diff(topology, Observed()).steps)


def _lines(plan: Plan) -> list[str]:
    return [f"{step.action} {step.subject.kind} {step.subject.name}" for step in plan.steps]


@given(topologies())
def test_after_a_plan_is_applied_nothing_is_left_to_do(topology: Topology) -> None:
    passwords = {service.name: Password("x") for service in topology.services}
    plan = diff(topology, Observed(), passwords=passwords)
    assert not plan.conflicts
    assert diff(topology, after(Observed(), plan.steps), passwords=passwords) == Plan()


@given(topologies(), topologies())
def test_a_change_of_topology_is_applied_or_reported_and_deletes_nothing(old: Topology, new: Topology) -> None:
    standing = _standing(old)
    plan = diff(new, standing)
    assert not any(
        step.action == "remove" and isinstance(step.subject, QueueState | ExchangeState) for step in plan.steps
    )
    if not plan.conflicts:
        left = diff(new, after(standing, plan.steps))
        assert (left.steps, left.conflicts) == ((), ())
        assert left.undeclared == plan.undeclared


@given(topologies(), topologies())
def test_every_conflict_is_settled_by_deleting_what_is_empty(old: Topology, new: Topology) -> None:
    standing = _standing(old)
    plan = diff(new, standing)
    blocked = {conflict.name for conflict in plan.conflicts} | {subject.name for subject in plan.undeclared}
    parts = {name for name in standing.queues if name.rpartition("-")[0] in blocked}
    everything = Deletions(frozenset(blocked | parts), frozenset(blocked))
    settled = diff(new, standing, deletions=everything)
    assert not settled.conflicts
    assert diff(new, after(standing, settled.steps)) == Plan()


@given(topologies(), st.data())
def test_an_interrupted_plan_is_completed_by_the_next(topology: Topology, data: st.DataObject) -> None:
    plan = diff(topology, Observed())
    halfway = after(Observed(), plan.steps[: data.draw(st.integers(0, len(plan.steps)))])
    rest = diff(topology, halfway)
    assert not rest.conflicts
    assert after(halfway, rest.steps) == _standing(topology)


def test_the_shop_needs_no_second_look() -> None:
    plan = diff(_SHOP, Observed(), passwords=_PASSWORDS)
    assert diff(_SHOP, after(Observed(), plan.steps), passwords=_PASSWORDS) == Plan()


def test_an_alternate_exchange_is_made_before_the_exchange_that_names_it() -> None:
    made = [step.subject.name for step in diff(_SHOP, Observed()).steps if isinstance(step.subject, ExchangeState)]
    assert made.index("unrouted") < made.index("order.events")


def test_policies_come_before_the_logs_that_they_bound() -> None:
    kinds = [step.subject.kind for step in diff(_SHOP, Observed()).steps]
    assert max(n for n, kind in enumerate(kinds) if kind == "policy") < kinds.index("log")


def test_undeclared_bindings_are_removed_from_declared_queues_alone() -> None:
    stray = BindingState("dlx", "q", "stray", properties_key="stray")
    foreign = BindingState("dlx", "theirs", "#")
    through = BindingState("dlx", "unrouted", "#", destination_type="exchange")
    standing = _standing(_topology(_QUEUE))
    standing = replace(standing, bindings=standing.bindings | {stray, foreign, through})
    plan = diff(_topology(_QUEUE), standing)
    assert [step.subject for step in plan.steps] == [stray]


def test_new_bindings_come_before_old_ones_go() -> None:
    moved = replace(_QUEUE, bindings=(Binding("dlx", "orders.#"),))
    assert _lines(diff(_topology(moved), _standing(_topology(_QUEUE)))) == [
        "create binding dlx → q",
        "remove binding dlx → q",
    ]


def test_what_is_not_declared_is_named_and_left_alone() -> None:
    theirs = QueueState("theirs", (("x-queue-type", "classic"),), messages=7)
    temporary = QueueState("temporary", (), auto_delete=True)
    standing = _standing(_topology())
    standing = replace(standing, queues={**standing.queues, "theirs": theirs, "temporary": temporary})
    assert diff(_topology(), standing) == Plan(undeclared=(theirs,))


def test_retention_changes_in_place() -> None:
    before, now = Log("s.log", max_bytes=10), Log("s.log", max_bytes=20)
    plan = diff(_topology(now), _standing(_topology(before)))
    assert _lines(plan) == ["change policy warren.s.log"]
    assert not plan.conflicts


def test_retention_that_is_no_longer_declared_is_lifted() -> None:
    plan = diff(_topology(Log("s.log")), _standing(_topology(Log("s.log", max_bytes=10))))
    assert _lines(plan) == ["remove policy warren.s.log"]


def test_the_retention_of_a_log_that_is_no_longer_declared_stays() -> None:
    assert _lines(diff(_topology(), _standing(_topology(Log("s.log", max_bytes=10))))) == []


def test_partitions_are_made_from_the_last_to_the_first_and_the_intake_after_them() -> None:
    plan = diff(_topology(Log("s.log", partitions=3)), _standing(_topology()))
    assert _lines(plan) == ["create log s.log-2", "create log s.log-1", "create log s.log-0", "create log s.log"]


def test_users_are_made_only_when_asked_for() -> None:
    kinds = {step.subject.kind for step in diff(_SHOP, Observed()).steps}
    assert kinds == {"exchange", "queue", "log", "binding", "policy"}


def test_a_user_without_a_password_is_a_conflict_that_says_where_to_put_it() -> None:
    without = {name: password for name, password in _PASSWORDS.items() if name != "orders"}
    (conflict,) = diff(_SHOP, Observed(), passwords=without).conflicts
    assert "WARREN_PASSWORD_ORDERS" in str(conflict)


def test_the_shared_service_has_a_user_only_with_a_password() -> None:
    without = {name: password for name, password in _PASSWORDS.items() if name != "shared"}
    plan = diff(_SHOP, Observed(), passwords=without)
    assert not plan.conflicts
    assert "shared" not in {step.subject.name for step in plan.steps}


def test_a_changed_password_is_set_and_tags_stay() -> None:
    standing = after(Observed(), diff(_SHOP, Observed(), passwords=_PASSWORDS).steps)
    tagged = StoredPassword(standing.users["orders"].hash, standing.users["orders"].algorithm, ("monitoring",))
    standing = replace(standing, users={**standing.users, "orders": tagged})
    (step,) = diff(_SHOP, standing, passwords={**_PASSWORDS, "orders": Password("new")}).steps
    assert (step.action, step.subject.kind, step.subject.name) == ("change", "user", "orders")
    assert after(standing, [step]).users["orders"].tags == ("monitoring",)


def test_an_administrator_is_never_made_a_service_s_user() -> None:
    standing = Observed(users={"orders": StoredPassword("", "", ("administrator",))})
    plan = diff(_SHOP, standing, passwords=_PASSWORDS)
    assert [conflict.name for conflict in plan.conflicts] == ["orders"]
    assert "orders" not in {step.subject.name for step in plan.steps}


def test_a_policy_of_others_that_hides_a_retention_is_a_conflict() -> None:
    log = Log("s.log", max_bytes=10)
    standing = _standing(_topology(log))
    theirs = Policy("theirs", ".*", (("max-age", "1D"),), priority=10)
    hidden = replace(standing.queues["s.log"], policy="theirs")
    standing = replace(
        standing, policies={**standing.policies, "theirs": theirs}, queues={**standing.queues, "s.log": hidden}
    )
    (conflict,) = diff(_topology(log), standing).conflicts
    assert "'theirs' with priority 10 hides its retention" in str(conflict)
    weaker = replace(standing, policies={**standing.policies, "theirs": replace(theirs, priority=9)})
    assert not diff(_topology(log), weaker).conflicts
