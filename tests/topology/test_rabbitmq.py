"""The topology on a real RabbitMQ: what is declared is there, and behaves as it says."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import product

import aio_pika
import pytest
from aio_pika.abc import AbstractQueue

from tests.topology.bench import Bench
from tests.topology.test_matching import SHORT_KEYS
from topology.errors import BrokerRefused
from topology.load import load_shop
from topology.matching import matches
from topology.observe import observe
from topology.plan import Deletions, Step
from topology.rabbitmq import apply
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology
from topology.state import QueueState

_SHARED = load_shop().service("shared")
_NEWS = Exchange("news", "topic", "unrouted")
_MAIL = Queue("mail", (Binding("news", "mail.#"),), retry=("500ms",), delivery_limit=2)


def _topology(*targets: Queue | Log, exchange: Exchange = _NEWS) -> Topology:
    queues = tuple(target for target in targets if isinstance(target, Queue))
    logs = tuple(target for target in targets if isinstance(target, Log))
    return Topology((Service("s", exchanges=(exchange,), queues=queues, logs=logs), _SHARED))


async def _drained(queue: AbstractQueue) -> set[str | None]:
    """The routing keys of all that a queue holds."""
    keys = set()
    while message := await queue.get(no_ack=True, fail=False):
        keys.add(message.routing_key)
    return keys


async def test_the_shop_is_applied_once_and_a_second_time_changes_nothing(bench: Bench) -> None:
    await bench.apply(load_shop())
    observed = await observe(bench.management, bench.vhost)
    assert set(observed.exchanges) >= {"order.events", "dlx", "unrouted", "table.changes", "retry.10m", "retry.back"}
    assert {name for name, queue in observed.queues.items() if queue.kind == "log"} == set(load_shop().logs)
    assert set(load_shop().queues) < set(observed.queues)


async def test_a_message_that_was_sent_to_the_ladder_comes_back_to_its_queue(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    sent = await bench.publish("news", "mail.new")
    first = await bench.take("mail")
    assert first.message_id == sent
    again = await bench.publish("retry.500ms", "mail", attempt="1")
    second = await bench.take("mail")
    assert (second.message_id, second.headers["attempt"], second.routing_key) == (again, "1", "mail")


async def test_a_message_whose_queue_is_gone_leaves_the_ladder_as_a_dead_letter(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    gone = [await bench.publish("retry.500ms", "gone") for _ in range(40)]
    await bench.publish("retry.500ms", "mail")
    assert (await bench.take("mail")).routing_key == "mail"
    letters = await bench.read("dead.letters", len(gone))
    assert {(letter.message_id, letter.routing_key) for letter in letters} == {(name, "gone") for name in gone}


async def test_a_message_that_is_delivered_too_often_becomes_a_dead_letter_of_its_queue(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    sent = await bench.publish("news", "mail.new")
    await bench.throw_back("mail", times=3)
    (letter,) = await bench.read("dead.letters")
    assert (letter.message_id, letter.routing_key) == (sent, "mail")


async def test_what_no_binding_takes_is_in_the_log_of_unrouted_messages(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    sent = await bench.publish("news", "nobody.listens")
    (message,) = await bench.read("unrouted")
    assert (message.message_id, message.routing_key) == (sent, "nobody.listens")


async def test_partitions_are_streams_that_nothing_is_bound_to(bench: Bench) -> None:
    log = Log("saga", (Binding("news", "#"),), partitions=3)
    await bench.apply(_topology(log))
    sent = await bench.publish("news", "x")
    assert [message.message_id for message in await bench.read("saga")] == [sent]
    observed = await observe(bench.management, bench.vhost)
    assert {"saga-0", "saga-1", "saga-2"} < set(observed.queues)
    assert {binding.destination for binding in observed.bindings} == {"saga", "dead.letters", "unrouted"}
    forwarded = await bench.publish("", "saga-1")
    assert [message.message_id for message in await bench.read("saga-1")] == [forwarded]


async def test_retention_changes_while_a_log_holds_messages(bench: Bench) -> None:
    log = Log("saga", (Binding("news", "#"),), max_age=timedelta(days=90), max_bytes=5_000_000)
    await bench.apply(_topology(log))
    sent = await bench.publish("news", "x")
    await bench.apply(_topology(replace(log, max_age=timedelta(days=365), max_bytes=None)))
    assert [message.message_id for message in await bench.read("saga")] == [sent]


async def test_what_differs_and_cannot_be_changed_is_reported_and_left(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    wanted = _topology(replace(_MAIL, delivery_limit=7), exchange=Exchange("news", "fanout", "unrouted"))
    conflicts = [str(conflict) for conflict in (await bench.plan(wanted)).conflicts]
    assert [text.partition(",")[0] for text in conflicts] == [
        "exchange news: its type is 'topic'",
        "queue mail: x-delivery-limit is 2",
    ]
    assert "--delete-queue mail" in conflicts[1]


async def test_an_undeclared_binding_of_a_declared_queue_goes(bench: Bench) -> None:
    old = replace(_MAIL, bindings=(Binding("news", "mail.#"), Binding("news", "*.été/%2F"), Binding("news", "")))
    await bench.apply(_topology(old))
    await bench.apply(_topology(_MAIL))
    bindings = (await observe(bench.management, bench.vhost)).bindings
    assert {binding.key for binding in bindings if binding.exchange == "news"} == {"mail.#"}


async def test_bindings_of_headers_exchanges_come_and_go(bench: Bench) -> None:
    headers = Exchange("news", "headers", "unrouted")
    europe = Queue("europe", (Binding("news", "", (("x-match", "all"), ("region", "eu"))),), retry=())
    asia = replace(europe, bindings=(Binding("news", "", (("x-match", "all"), ("region", "asia"))),))
    await bench.apply(_topology(europe, exchange=headers))
    sent = await bench.publish("news", "", region="eu")
    assert (await bench.take("europe")).message_id == sent
    await bench.apply(_topology(asia, exchange=headers))
    strayed = await bench.publish("news", "", region="eu")
    assert [message.message_id for message in await bench.read("unrouted")] == [strayed]


async def test_an_empty_queue_is_deleted_and_made_anew(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    wanted = _topology(replace(_MAIL, delivery_limit=7))
    await bench.until_known("mail", 0)
    plan = await bench.plan(wanted, deletions=Deletions(queues=frozenset({"mail"})))
    assert not plan.conflicts
    await apply(bench.management, bench.vhost, plan.steps, settle=0)
    assert not (await bench.plan(wanted)).steps


async def test_a_queue_that_fills_up_meanwhile_is_not_deleted(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    await bench.publish("news", "mail.new")
    await bench.until_known("mail", 1)
    with pytest.raises(BrokerRefused, match="holds 1 messages: it was left standing"):
        await apply(bench.management, bench.vhost, [Step("remove", QueueState("mail", ()))], settle=0)
    assert (await bench.take("mail")).routing_key == "mail.new"


async def test_a_log_that_holds_messages_is_not_deleted(bench: Bench) -> None:
    await bench.apply(_topology(Log("saga", (Binding("news", "#"),))))
    await bench.publish("news", "x")
    await bench.until_known("saga", 1)
    plan = await bench.plan(_topology(), deletions=Deletions(queues=frozenset({"saga"})))
    assert [conflict.problem for conflict in plan.conflicts] == ["it holds 1 messages"]
    stream = QueueState("saga", (("x-queue-type", "stream"),))
    with pytest.raises(BrokerRefused, match="the log saga holds 1 messages"):
        await apply(bench.management, bench.vhost, [Step("remove", stream)], settle=0)


async def test_an_exchange_of_another_type_is_made_anew_with_its_bindings(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL, exchange=Exchange("news", "fanout", "unrouted")))
    plan = await bench.plan(_topology(_MAIL), deletions=Deletions(exchanges=frozenset({"news"})))
    await apply(bench.management, bench.vhost, plan.steps)
    assert not (await bench.plan(_topology(_MAIL))).steps


async def test_an_exchange_that_something_was_bound_to_meanwhile_is_not_deleted(bench: Bench) -> None:
    await bench.apply(_topology(_MAIL))
    (exchange,) = (e for e in (await observe(bench.management, bench.vhost)).exchanges.values() if e.name == "news")
    with pytest.raises(BrokerRefused, match="in use"):
        await apply(bench.management, bench.vhost, [Step("remove", exchange)])


async def test_patterns_match_as_the_broker_matches_them(bench: Bench) -> None:
    patterns = [".".join(words) for size in (1, 2, 3) for words in product("ab*#", repeat=size)]
    patterns.remove("#.#.#")  # RabbitMQ 4.3 takes no more than two of them
    keys = [*SHORT_KEYS[:120], "", ".", "a.", ".a", "a..b"]
    exchange = await bench.channel.declare_exchange("patterns", "topic", auto_delete=True)
    queues = {pattern: await bench.channel.declare_queue(exclusive=True) for pattern in patterns}
    for pattern, queue in queues.items():
        await queue.bind(exchange, pattern)
    await asyncio.gather(*(exchange.publish(aio_pika.Message(b""), key, mandatory=False) for key in keys))
    for pattern, queue in queues.items():
        expected = {key for key in keys if matches(pattern, key)}
        assert await _drained(queue) == expected, pattern


async def test_a_virtual_host_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(BrokerRefused, match=f"there is no vhost '{bench.vhost}x'; did you mean '{bench.vhost}'"):
        await observe(bench.management, f"{bench.vhost}x")
