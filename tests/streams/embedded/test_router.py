import pytest

from streams.embedded.router import Router
from streams.embedded.targets import Targets, log_names, queue_names
from streams.errors import NoSuchTarget
from tests.streams.broker.exchange import topology
from tests.streams.embedded.storages import PagedStorage
from topology.spec import Binding, Exchange, Log, Queue, Topology


async def routed(topology: Topology) -> Router:
    storage = PagedStorage()
    contents = await storage.open(log_names(topology), queue_names(topology))
    targets = Targets(topology, storage, contents)
    return Router(topology, targets.declared, targets.rungs)


def names(router: Router, exchange: str, key: str, **headers: str) -> list[str]:
    return [target.name for target in router.route(exchange, key, headers)]


async def test_a_way_is_found_once_and_remembered() -> None:
    router = await routed(topology(Exchange("e"), Log("log", (Binding("e", "#"),))))
    assert router.route("e", "a", {}) is router.route("e", "a", {})


async def test_ways_that_depend_on_headers_are_found_anew() -> None:
    router = await routed(
        topology(
            Exchange("e", alternate="h"),
            Exchange("h", "headers"),
            Log("log", (Binding("h", "", (("kind", "a"),)),)),
        )
    )
    assert names(router, "e", "k", kind="b") == []
    assert names(router, "e", "k", kind="a") == ["log"]
    assert names(router, "h", "k", kind="b") == []


async def test_more_ways_than_can_be_remembered_are_still_found() -> None:
    router = await routed(topology(Exchange("e"), Log("log", (Binding("e", "#"),))))
    assert all(names(router, "e", str(number)) == ["log"] for number in range(10_500))


async def test_rungs_lead_to_their_delay_queues_whatever_the_key() -> None:
    router = await routed(topology(Queue("jobs", retry=("5s",))))
    assert names(router, "retry.5s", "jobs") == names(router, "retry.5s", "nobody") == ["retry.5s"]
    assert names(router, "", "retry.5s") == ["retry.5s"]


async def test_an_exchange_that_is_not_declared_is_told_with_the_nearest_one() -> None:
    router = await routed(topology(Exchange("order.events")))
    with pytest.raises(NoSuchTarget, match=r"did you mean 'order\.events'"):
        router.route("order.event", "a", {})
