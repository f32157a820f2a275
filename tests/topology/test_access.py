import re

from topology.access import permissions, topic_permissions
from topology.load import load_shop
from topology.spec import Exchange, Log, Queue, Service, Topology

_SHOP = load_shop()


def test_a_service_reads_its_own_queues_and_logs_alone() -> None:
    read = permissions(_SHOP.service("payments"), _SHOP).read
    assert re.search(read, "payments.commands")
    assert re.search(read, "payments.ledger")
    assert not re.search(read, "orders.saga")
    assert not re.search(read, "payments.commands.old")


def test_the_edge_reads_every_log_and_no_queue() -> None:
    read = permissions(_SHOP.service("gateway"), _SHOP).read
    assert all(re.search(read, log) for log in _SHOP.logs)
    assert not any(re.search(read, queue) for queue in _SHOP.queues)


def test_a_service_configures_nothing_but_queues_to_listen_with() -> None:
    (configure,) = {permissions(service, _SHOP).configure for service in _SHOP.services}
    assert re.search(configure, "amq.gen-17")
    for name in ("orders", "amq.topic", "xamq.gen-17", "payments.commands"):
        assert not re.search(configure, name), name


def test_a_service_listens_to_table_changes_alone() -> None:
    found = permissions(_SHOP.service("payments"), _SHOP)
    assert re.search(found.read, "table.changes")
    assert re.search(found.read, "amq.gen-17")
    assert re.search(found.write, "amq.gen-17")
    assert not re.search(found.read, "payment.events")


def test_a_service_writes_to_its_exchanges_the_ladder_dead_letters_table_changes_and_its_logs() -> None:
    write = permissions(_SHOP.service("payments"), _SHOP).write
    for name in ("payment.events", "dlx", "table.changes", "retry.1s", "retry.10m", "payments.ledger", "amq.default"):
        assert re.search(write, name), name
    for name in ("order.events", "retry.1h", "orders.saga", "payments.commands", "unrouted"):
        assert not re.search(write, name), name


def test_only_services_with_logs_may_send_to_the_default_exchange() -> None:
    assert not re.search(permissions(_SHOP.service("notifications"), _SHOP).write, "amq.default")


def test_the_edge_may_publish_its_commands_and_what_it_opens_to_http() -> None:
    found = {topic.exchange: topic.write for topic in topic_permissions(_SHOP.service("gateway"), _SHOP)}
    assert re.search(found["commands"], "order.place")
    assert not re.search(found["commands"], "payment.capture")
    assert re.search(found["user.events"], "user.activity.cart_added")
    assert not re.search(found["user.events"], "user.created")


def test_partitions_belong_to_their_log() -> None:
    found = permissions(Service("s", logs=(Log("s.log", partitions=2),)), _SHOP)
    assert found.read == r"^(s\.log|s\.log\-0|s\.log\-1|table\.changes|amq\.gen.*)$"
    assert all(re.search(found.write, name) for name in ("s.log", "s.log-0", "s.log-1"))


def test_a_service_that_takes_nothing_reads_nothing_but_table_changes() -> None:
    assert permissions(Service("s"), _SHOP).read == r"^(table\.changes|amq\.gen.*)$"


def test_exchanges_without_topics_have_no_topic_permission() -> None:
    service = Service("s", (Exchange("news", "fanout"),), publishes={"news": ("x",)}, queues=(Queue("s.q", retry=()),))
    assert not list(topic_permissions(service, Topology((service,))))
