"""The names of the shop's exchanges, queues, logs and keys: other people's clients and dashboards rely on them."""

import pytest

from topology.load import load_shop, read, shop
from topology.matching import matches
from topology.spec import Binding, Queue

_SHOP = load_shop()

_EVENTS = {
    "user.events": (
        "auth",
        "user.created user.updated user.preferences_changed user.token_reuse_detected",
    ),
    "order.events": (
        "orders",
        "order.created order.paid order.shipped order.delivered order.cancelled order.rejected order.expired "
        "order.payment_failed order.command_refused",
    ),
    "inventory.events": (
        "inventory",
        "inventory.reserved inventory.rejected inventory.committed inventory.released inventory.expired "
        "inventory.restocked inventory.low product.updated",
    ),
    "payment.events": (
        "payments",
        "payment.authorized payment.failed payment.unknown payment.captured payment.voided payment.refunded "
        "payment.refund_stuck",
    ),
    "notification.events": ("notifications", "notification.sent notification.failed notification.suppressed"),
}
_COMMANDS = {
    "gateway": "order.place order.cancel order.ship order.deliver order.refund order.change_address inventory.receive "
    "product.put",
    "orders": "inventory.commit inventory.release inventory.restock payment.authorize payment.capture payment.void "
    "payment.refund payment.query",
}
_QUEUES = {
    "auth.user.created": {"user.events": ["user.created"]},
    "notifications.order.created": {"order.events": ["order.created"]},
    "notifications.order.events": {
        "order.events": ["order.paid", "order.shipped", "order.cancelled", "order.payment_failed"]
    },
    "notifications.user.events": {
        "user.events": ["user.created", "user.updated", "user.token_reuse_detected", "user.preferences_changed"]
    },
    "notifications.payment.events": {"payment.events": ["payment.refunded", "payment.refund_stuck"]},
    "payments.commands": {"commands": ["payment.#"]},
}
_LOGS = {
    "orders.saga": {"commands": ["order.#"], "inventory.events": ["#"], "payment.events": ["#"]},
    "inventory.commands": {"commands": ["inventory.#", "product.#"], "order.events": ["order.created"]},
    "payments.ledger": {"payment.events": ["#"]},
    "analytics.all.events": {exchange: ["#"] for exchange in _EVENTS},
    "dead.letters": {"dlx": ["#"]},
    "unrouted": {"unrouted": ["#"]},
}


def _bound(bindings: tuple[Binding, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for binding in bindings:
        found.setdefault(binding.exchange, []).append(binding.key)
    return found


def test_the_shop_has_neither_errors_nor_warnings() -> None:
    assert not read(shop()).faults


def test_each_service_has_its_file() -> None:
    names = ["analytics", "auth", "gateway", "inventory", "notifications", "orders", "payments"]
    assert sorted(file.name for file in shop().iterdir() if file.name.endswith(".yaml")) == [f"{n}.yaml" for n in names]
    assert [service.name for service in _SHOP.services] == [*names, "shared"]


def test_the_exchanges_are_topic_exchanges_and_all_but_table_changes_lead_to_unrouted() -> None:
    assert set(_SHOP.exchanges) == {*_EVENTS, "commands", "dlx", "unrouted", "table.changes"}
    assert {exchange.type for exchange in _SHOP.exchanges.values()} == {"topic"}
    without = {exchange.name for exchange in _SHOP.exchanges.values() if exchange.alternate != "unrouted"}
    assert without == {"table.changes", "unrouted"}


@pytest.mark.parametrize("exchange", _EVENTS)
def test_events_are_declared_by_the_service_that_publishes_them(exchange: str) -> None:
    owner, keys = _EVENTS[exchange]
    assert exchange in {declared.name for declared in _SHOP.service(owner).exchanges}
    assert _SHOP.service(owner).publishes[exchange] == tuple(keys.split())
    for key in keys.split():
        assert list(_SHOP.publishers(exchange, key)) == [owner]
        assert "analytics.all.events" in _SHOP.route(exchange, key)
        assert not _SHOP.open_to_http(exchange, key)


def test_commands_come_from_the_edge_and_from_orders() -> None:
    assert "commands" in {declared.name for declared in _SHOP.service("gateway").exchanges}
    for service, keys in _COMMANDS.items():
        assert _SHOP.service(service).publishes["commands"] == tuple(keys.split())


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("order.place", "orders.saga"),
        ("order.change_address", "orders.saga"),
        ("inventory.commit", "inventory.commands"),
        ("inventory.receive", "inventory.commands"),
        ("product.put", "inventory.commands"),
        ("payment.capture", "payments.commands"),
        ("payment.query", "payments.commands"),
    ],
)
def test_each_command_reaches_one_service(key: str, target: str) -> None:
    assert _SHOP.route("commands", key) == [target]


def test_user_activity_is_open_to_http_publishers() -> None:
    for name in ("product_viewed", "cart_added", "checkout_started"):
        assert _SHOP.open_to_http("user.events", f"user.activity.{name}")
        assert _SHOP.route("user.events", f"user.activity.{name}") == ["analytics.all.events"]


def test_nothing_else_is_open_to_http() -> None:
    opened = {exchange: keys for service in _SHOP.services for exchange, keys in service.http.items()}
    assert set(opened) == {"user.events"}
    assert all(matches("user.activity.*", key) for key in opened["user.events"])


def test_queues_have_these_names_bindings_and_delays() -> None:
    assert {name: _bound(queue.bindings) for name, queue in _SHOP.queues.items()} == _QUEUES
    for queue in _SHOP.queues.values():
        assert queue == Queue(queue.name, queue.bindings, ("1s", "5s", "30s", "2m", "10m"), 20)


def test_logs_have_these_names_and_bindings_and_are_bounded() -> None:
    assert {name: _bound(log.bindings) for name, log in _SHOP.logs.items()} == _LOGS
    assert all(log.max_age and log.max_bytes for log in _SHOP.logs.values())


def test_logs_are_keyed_by_what_their_tables_are_keyed_by() -> None:
    keys = {name: log.key for name, log in _SHOP.logs.items() if log.key}
    assert keys == {
        "orders.saga": "orderId",
        "inventory.commands": "warehouse",
        "payments.ledger": "orderId",
        "analytics.all.events": "userId",
    }
    assert {log.partitions for log in _SHOP.logs.values()} == {1}


def test_what_was_asked_for_is_there() -> None:
    assert {"user.events", "order.events", "payment.events"} <= set(_SHOP.exchanges)
    assert {"auth.user.created", "notifications.order.created"} <= set(_SHOP.queues)
    assert "analytics.all.events" in _SHOP.logs
    assert {"user.created", "user.updated", "order.created", "order.paid", "order.shipped"} <= _SHOP.keys()
