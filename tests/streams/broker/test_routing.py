import pytest

from streams.broker import Outcome, Scalar
from tests.streams.broker.conftest import Connect
from tests.streams.broker.exchange import bodies, drain, message, numbered, read, send, topology, until_depth
from topology.matching import matches
from topology.spec import Arguments, Binding, Exchange, Log, Queue

PATTERNS = ["#", "*", "*.*", "order.*", "*.created", "order.#.created", "#.created.#", "order..created", "*.#"]
KEYS = ["", "order", "order.created", "order.line.created", "order..created", ".", "created.twice", "order.created."]


async def test_topic_patterns_mean_on_every_broker_what_the_topology_says(connect: Connect) -> None:
    queues = [Queue(f"q{number}", (Binding("events", pattern),), retry=()) for number, pattern in enumerate(PATTERNS)]
    broker = await connect(topology(Exchange("events"), *queues))
    await send(broker, *(message("events", key, key.encode()) for key in KEYS))
    for number, pattern in enumerate(PATTERNS):
        expected = [key for key in KEYS if matches(pattern, key)]
        assert bodies(await drain(broker, f"q{number}", len(expected))) == expected


async def test_a_target_takes_a_message_once_however_many_bindings_match(connect: Connect) -> None:
    log = Log("all", (Binding("events", "#"), Binding("events", "order.*"), Binding("events", "order.created")))
    broker = await connect(topology(Exchange("events"), log))
    await send(broker, *numbered("events", "order.created", range(3)))
    assert bodies(await read(broker, "all", 3)) == ["0", "1", "2"]


async def test_every_queue_and_log_that_is_bound_takes_the_message(connect: Connect) -> None:
    bound = (Binding("events", "order.#"),)
    broker = await connect(topology(Exchange("events"), Queue("a", bound, ()), Queue("b", bound, ()), Log("c", bound)))
    await send(broker, message("events", "order.created", b"x"))
    assert (
        bodies([*await drain(broker, "a", 1), *await drain(broker, "b", 1), *await read(broker, "c", 1)]) == ["x"] * 3
    )


async def test_a_direct_exchange_compares_whole_keys(connect: Connect) -> None:
    queues = (Queue("plain", (Binding("d", "order.#"),), ()), Queue("other", (Binding("d", "order.created"),), ()))
    broker = await connect(topology(Exchange("d", "direct"), *queues))
    await send(broker, message("d", "order.created", b"created"), message("d", "order.#", b"hash"))
    assert bodies(await drain(broker, "other", 1)) == ["created"]
    assert bodies(await drain(broker, "plain", 1)) == ["hash"]


async def test_a_fanout_exchange_looks_at_nothing(connect: Connect) -> None:
    broker = await connect(topology(Exchange("f", "fanout"), Log("all", (Binding("f", "ignored"),))))
    await send(broker, *numbered("f", "order.created", range(2)), message("f", "", b"2"))
    assert bodies(await read(broker, "all", 3)) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        ((("x-match", "all"), ("kind", "a"), ("size", 1)), ["both"]),
        ((("x-match", "any"), ("kind", "a"), ("size", 1)), ["both", "kind", "size"]),
        ((("kind", "a"),), ["both", "kind"]),
        ((("size", True),), ["truth"]),
        ((("x-match", "any"),), []),
        ((), ["both", "kind", "size", "truth", "text", "none"]),
    ],
)
async def test_a_headers_exchange_compares_values_with_their_types(
    connect: Connect, arguments: Arguments, taken: list[str]
) -> None:
    headers: dict[str, dict[str, Scalar]] = {
        "both": {"kind": "a", "size": 1},
        "kind": {"kind": "a", "size": 2},
        "size": {"size": 1},
        "truth": {"size": True},
        "text": {"size": "1"},
        "none": {},
    }
    broker = await connect(
        topology(
            Exchange("h", "headers", alternate="rest"),
            Exchange("rest", "fanout"),
            Queue("q", (Binding("h", "", arguments),), ()),
            Log("unrouted", (Binding("rest", ""),)),
        )
    )
    await send(broker, *(message("h", "k", name.encode(), headers=given) for name, given in headers.items()))
    assert bodies(await drain(broker, "q", len(taken))) == taken
    left = [name for name in headers if name not in taken]
    assert bodies(await read(broker, "unrouted", len(left))) == left


async def test_an_alternate_exchange_takes_what_no_binding_takes(connect: Connect) -> None:
    broker = await connect(
        topology(
            Exchange("events", alternate="second"),
            Exchange("second", alternate="unrouted"),
            Exchange("unrouted"),
            Queue("orders", (Binding("events", "order.#"),), ()),
            Log("payments", (Binding("second", "payment.#"),)),
            Log("rest", (Binding("unrouted", "#"),)),
        )
    )
    await send(broker, *(message("events", key, key.encode()) for key in ("order.a", "payment.a", "user.a", "order.b")))
    assert bodies(await drain(broker, "orders", 2)) == ["order.a", "order.b"]
    assert bodies(await read(broker, "payments", 1)) == ["payment.a"]
    assert bodies(await read(broker, "rest", 1)) == ["user.a"]


async def test_the_default_exchange_leads_to_the_queue_or_log_of_that_name(connect: Connect) -> None:
    broker = await connect(topology(Queue("q", retry=()), Log("log"), Log("split", partitions=2)))
    names = ["q", "log", "split", "split-0", "split-1"]
    await send(broker, *(message("", name, name.encode()) for name in names))
    assert bodies(await drain(broker, "q", 1)) == ["q"]
    assert [bodies(await read(broker, name, 1)) for name in names[1:]] == [[name] for name in names[1:]]
    assert await broker.publish([message("", "nobody")]) == [Outcome.UNROUTABLE]
    await until_depth(broker, "q", 0)
