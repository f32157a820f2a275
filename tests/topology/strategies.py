"""Topologies at random, from few names, so that two of them have much in common."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st

from topology.load import load
from topology.spec import SHARED, UNROUTED, Arguments, Binding, Exchange, ExchangeType, Log, Queue, Service, Topology

T = TypeVar("T")

_EXCHANGES = ("a.events", "b.events", "c.events", "d.events")
_QUEUES = ("q1", "q2", "q.three", "q:four")
_LOGS = ("log.one", "log.two", "log_three")
_SERVICES = ("alpha", "beta", "gamma-2")

_words = st.sampled_from(["order", "user", "paid", "x_1", "été", "*", "#", ""])
patterns = st.lists(_words, min_size=1, max_size=4).map(".".join)
_key_lists = st.lists(patterns, min_size=1, max_size=3, unique=True).map(tuple)
_retries = st.lists(st.sampled_from(["1s", "5s", "30s", "2m", "500ms"]), max_size=3).map(tuple)
_headers = st.dictionaries(
    st.sampled_from(["x-match", "region", "vip", "level"]),
    st.one_of(st.sampled_from(["all", "any", "true", "7"]), st.integers(-3, 3), st.booleans()),
    min_size=1,
)


@cache
def shared() -> Service:
    """What every topology has."""
    return load().service(SHARED)


@st.composite
def _exchange(draw: st.DrawFn, name: str, others: Sequence[str]) -> Exchange:
    kind: ExchangeType = draw(st.sampled_from(["topic", "topic", "direct", "fanout", "headers"]))
    # Only earlier names, so that no circle comes about.
    return Exchange(name, kind, draw(st.sampled_from([None, UNROUTED, *others])))


@st.composite
def _bindings(draw: st.DrawFn, exchanges: Sequence[Exchange]) -> tuple[Binding, ...]:
    bound: list[Binding] = []
    for exchange in draw(st.lists(st.sampled_from(exchanges), unique=True)) if exchanges else ():
        if exchange.type == "headers":
            arguments: Arguments = tuple(sorted(draw(_headers).items()))
            bound.append(Binding(exchange.name, "", arguments))
        else:
            bound += [Binding(exchange.name, key) for key in draw(_key_lists)]
    return tuple(bound)


@st.composite
def _queue(draw: st.DrawFn, name: str, exchanges: Sequence[Exchange]) -> Queue:
    return Queue(name, draw(_bindings(exchanges)), draw(_retries), draw(st.integers(1, 3)))


@st.composite
def _log(draw: st.DrawFn, name: str, exchanges: Sequence[Exchange]) -> Log:
    age = draw(st.none() | st.integers(1, 10**7).map(lambda seconds: timedelta(seconds=seconds)))
    size = draw(st.none() | st.integers(1, 10**13))
    key = draw(st.sampled_from([None, "orderId", "yes", "7"]))
    due = draw(st.sampled_from([(), ("order.overdue",), ("yes", "7")]))
    return Log(name, draw(_bindings(exchanges)), draw(st.integers(1, 3)), key, age, size, due)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """A topology without faults, its services by name as `load` gives them."""
    names = draw(st.lists(st.sampled_from(_EXCHANGES), unique=True))
    exchanges = [draw(_exchange(name, names[:place])) for place, name in enumerate(names)]
    queues = [draw(_queue(name, exchanges)) for name in draw(st.lists(st.sampled_from(_QUEUES), unique=True))]
    logs = [draw(_log(name, exchanges)) for name in draw(st.lists(st.sampled_from(_LOGS), unique=True))]
    services = [
        Service(
            name=name,
            exchanges=_share(exchanges, place),
            publishes=draw(_published(names)),
            http=draw(_published(names)),
            queues=_share(queues, place),
            logs=_share(logs, place),
        )
        for place, name in enumerate(_SERVICES)
    ]
    return Topology((*services, shared()))


def _published(exchanges: Sequence[str]) -> st.SearchStrategy[dict[str, tuple[str, ...]]]:
    return st.dictionaries(st.sampled_from(exchanges), _key_lists) if exchanges else st.just({})


def _share(things: Sequence[T], place: int) -> tuple[T, ...]:
    return tuple(things[place :: len(_SERVICES)])
