"""Routing, against a model that follows the AMQP specification word by word."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topology.errors import TopologyError
from topology.spec import Arguments, Binding, Exchange, ExchangeType, Log, Queue, Service, Topology

_words = st.sampled_from(["a", "b", ""])
_keys = st.lists(_words, max_size=4).map(".".join)
_patterns = st.lists(st.sampled_from(["a", "b", "", "*", "#"]), max_size=4).map(".".join)
_headers = st.dictionaries(st.sampled_from(["h", "i", "x-j"]), st.sampled_from([0, 1, True, False, "1", ""]))
_arguments = st.tuples(_headers, st.sampled_from([(), (("x-match", "all"),), (("x-match", "any"),)])).map(
    lambda drawn: (*drawn[1], *drawn[0].items())
)
_names = st.sampled_from(["e0", "e1", "e2"])
_kinds: tuple[ExchangeType, ...] = ("topic", "direct", "fanout", "headers")


def topology(exchanges: Sequence[Exchange], **bindings: Sequence[Binding]) -> Topology:
    """One service with these exchanges, and a queue or log (names that begin with `l`) for each keyword."""
    queues = tuple(Queue(name, tuple(bound)) for name, bound in bindings.items() if not name.startswith("l"))
    logs = tuple(Log(name, tuple(bound)) for name, bound in bindings.items() if name.startswith("l"))
    return Topology((Service("s", tuple(exchanges), queues=queues, logs=logs),))


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    exchanges = [Exchange(name, draw(st.sampled_from(_kinds)), draw(st.none() | _names)) for name in ("e0", "e1", "e2")]
    bindings = st.lists(st.builds(Binding, _names, _patterns, _arguments), max_size=4)
    return topology(exchanges, q0=draw(bindings), q1=draw(bindings), l0=draw(bindings))


def model_matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(model_matches(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and model_matches(pattern[1:], words[1:])


def split(key: str) -> list[str]:
    return key.split(".") if key else []


def model_headers(arguments: Arguments, headers: Mapping[str, object]) -> bool:
    wanted = [(name, value) for name, value in arguments if not name.startswith("x-")]
    found = sum((type(value), value) == (type(headers.get(name)), headers.get(name)) for name, value in wanted)
    return found > 0 if ("x-match", "any") in arguments else found == len(wanted)


def model_binds(kind: ExchangeType, binding: Binding, key: str, headers: Mapping[str, object]) -> bool:
    match kind:
        case "topic":
            return model_matches(split(binding.key), split(key))
        case "direct":
            return binding.key == key
        case "fanout":
            return True
        case "headers":
            return model_headers(binding.arguments, headers)


def model_route(topology: Topology, exchange: str, key: str, headers: Mapping[str, object], hops: int = 3) -> set[str]:
    declared = topology.exchanges[exchange]
    taken = {
        target.name
        for target in topology.services[0].targets
        for binding in target.bindings
        if binding.exchange == exchange and model_binds(declared.type, binding, key, headers)
    }
    if taken or declared.alternate is None or not hops:
        return taken
    return model_route(topology, declared.alternate, key, headers, hops - 1)


@given(topologies(), _names, _keys, _headers)
def test_routing_agrees_with_the_model(topology: Topology, exchange: str, key: str, headers: dict[str, object]) -> None:
    routed = topology.route(exchange, key, headers)
    assert len(routed) == len(set(routed))
    assert set(routed) == model_route(topology, exchange, key, headers)


def test_a_target_takes_a_message_once_however_many_bindings_match() -> None:
    shop = topology([Exchange("e")], q=[Binding("e", "#"), Binding("e", "order.*"), Binding("e", "order.created")])
    assert shop.route("e", "order.created") == ["q"]


def test_the_default_exchange_leads_to_the_queue_or_log_of_that_name() -> None:
    shop = topology([], q=[], log=[])
    assert shop.route("", "q") == ["q"]
    assert shop.route("", "log") == ["log"]
    assert shop.route("", "nobody") == []


def test_an_alternate_exchange_takes_only_what_nothing_else_takes() -> None:
    exchanges = [Exchange("e", alternate="unrouted"), Exchange("unrouted", "fanout")]
    shop = topology(exchanges, q=[Binding("e", "order.#")], log=[Binding("unrouted", "")])
    assert shop.route("e", "order.created") == ["q"]
    assert shop.route("e", "payment.captured") == ["log"]


def test_alternate_exchanges_in_a_circle_lead_nowhere() -> None:
    shop = topology([Exchange("e", alternate="f"), Exchange("f", alternate="e")])
    assert shop.route("e", "order.created") == []


def test_values_of_headers_are_equal_only_with_their_type() -> None:
    shop = topology([Exchange("e", "headers")], q=[Binding("e", "", (("h", 1),))])
    assert shop.route("e", "", {"h": 1}) == ["q"]
    assert shop.route("e", "", {"h": True}) == []
    assert shop.route("e", "", {"h": "1"}) == []


def test_an_exchange_that_is_not_declared_is_an_error_that_names_a_near_one() -> None:
    with pytest.raises(TopologyError, match=r"'order.event'.*did you mean 'order.events'"):
        topology([Exchange("order.events")]).route("order.event", "order.created")
