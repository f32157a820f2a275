from dataclasses import replace

from topology.conflicts import exchange_conflict, partition_conflict, queue_conflict
from topology.spec import Log
from topology.state import ExchangeState, Observed, QueueState

_EXCHANGE = ExchangeState("order.events", "topic", (("alternate-exchange", "unrouted"),))
_QUEUE = QueueState("mail", (("x-delivery-limit", 20), ("x-queue-type", "quorum")))
_STREAM = QueueState("saga", (("x-queue-type", "stream"),))


def _streams(*names: str) -> Observed:
    return Observed(queues={name: replace(_STREAM, name=name) for name in names})


def test_an_exchange_as_wanted_is_no_conflict() -> None:
    assert exchange_conflict(_EXCHANGE, _EXCHANGE) is None


def test_an_exchange_of_another_type_and_alternate_says_both_and_what_to_do() -> None:
    conflict = exchange_conflict(_EXCHANGE, ExchangeState("order.events", "direct", internal=True))
    assert str(conflict) == (
        "exchange order.events: its type is 'direct', the topology says 'topic'; "
        "alternate-exchange is not set, the topology says 'unrouted'; internal is True, the topology says False. "
        "Stop its publishers, then apply with --delete-exchange order.events: "
        "it is made anew with its bindings, if nothing undeclared is bound to it."
    )


def test_a_queue_with_other_arguments_says_which_and_what_to_do() -> None:
    found = QueueState("mail", (("x-delivery-limit", 5), ("x-message-ttl", 7), ("x-queue-type", "quorum")))
    assert str(queue_conflict(_QUEUE, found)) == (
        "queue mail: x-delivery-limit is 5, the topology says 20; x-message-ttl is 7, the topology says not set. "
        "Let its consumers empty it, then apply again: --delete-queue mail makes it anew where it is empty."
    )


def test_where_a_queue_lies_does_not_matter() -> None:
    placed = replace(_QUEUE, arguments=(*_QUEUE.arguments, ("x-quorum-initial-group-size", 3)))
    assert queue_conflict(_QUEUE, placed) is None


def test_a_log_in_the_way_is_not_to_be_lost() -> None:
    conflict = queue_conflict(_STREAM, replace(_STREAM, arguments=(("x-queue-type", "classic"),)))
    assert conflict
    assert "Declare a log of another name and let agents read both" in conflict.remedy


def test_the_number_of_partitions_is_fixed() -> None:
    log = Log("saga", partitions=3)
    problem = "log saga: it stands with partitions: 2, the topology says 3, and the number is fixed."
    standing = _streams("saga", "saga-0", "saga-1")
    assert str(partition_conflict(log, standing, log.partition_names)).startswith(problem)


def test_another_number_of_partitions_is_another_edition() -> None:
    standing = _streams("saga", "saga-0", "saga-1")
    conflict = partition_conflict(Log("saga", partitions=3), standing, ())
    assert conflict
    assert "say `edition: 2`" in conflict.remedy
    assert "`warren agents repartition saga`" in conflict.remedy
    assert partition_conflict(Log("saga", partitions=3, edition=2), standing, ()) is None
    assert partition_conflict(Log("saga", partitions=3, edition=2), _streams("saga"), ()) is None


def test_the_number_of_an_edition_is_fixed_too() -> None:
    log = Log("saga", partitions=3, edition=2)
    standing = _streams("saga", "saga-0", "saga-1", "saga.2-0", "saga.2-1")
    conflict = partition_conflict(log, standing, ())
    assert conflict
    assert "say `edition: 3`" in conflict.remedy


def test_a_log_is_neither_partitioned_nor_made_whole_without_a_new_edition() -> None:
    assert partition_conflict(Log("saga", partitions=2), _streams("saga"), ())
    conflict = partition_conflict(Log("saga"), _streams("saga", "saga-0", "saga-1"), ())
    assert conflict
    assert "say `edition: 2`" in conflict.remedy
    assert partition_conflict(Log("saga", edition=2), _streams("saga", "saga-0", "saga-1"), ()) is None


def test_partitions_that_were_being_made_are_no_conflict() -> None:
    log = Log("saga", partitions=3)
    assert partition_conflict(log, _streams("saga-2"), log.partition_names) is None
    assert partition_conflict(log, _streams("saga-2", "saga-1"), log.partition_names) is None


def test_a_declared_queue_whose_name_looks_like_a_partition_is_none() -> None:
    assert partition_conflict(Log("saga"), _streams("saga", "saga-7"), ["saga", "saga-7"]) is None
