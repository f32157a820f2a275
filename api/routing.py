"""Where events of HTTP clients may go."""

import difflib

from api.problems import Problem
from api.sender import unroutable
from topology.naming import wrong_with_key
from topology.spec import UNROUTED, Topology


def require_open(topology: Topology, exchange: str, key: str) -> None:
    """Raises Problem (422) where the topology does not open this key to HTTP, or no queue or log takes it."""
    wrong = wrong_with_key(key) or (f"{key!r} is a pattern, not a key" if {"*", "#"} & {*key} else None)
    if wrong:
        raise Problem(422, "invalid_routing_key", wrong)
    if not topology.open_to_http(exchange, key):
        raise Problem(422, "not_open_to_http", f"{exchange}/{key} is not open to HTTP{_hint(topology, exchange, key)}")
    require_taken(topology, exchange, key)


def require_taken(topology: Topology, exchange: str, key: str) -> None:
    """Raises Problem (422) where no queue or log takes this key: the log of unrouted messages does not count.

    The broker cannot tell, because an exchange with an alternate confirms everything.
    """
    if exchange not in topology.exchanges or not {*topology.route(exchange, key)} - {UNROUTED}:
        raise unroutable(exchange, key)


def _hint(topology: Topology, exchange: str, key: str) -> str:
    opened = (part for service in topology.services for part in service.http.items())
    ways = [f"{exchange}/{key}" for exchange, keys in opened for key in keys]
    close = difflib.get_close_matches(f"{exchange}/{key}", ways, n=1, cutoff=0.75)
    return f"; did you mean {close[0]!r}?" if close else f"; open are {', '.join(ways) or 'none'}"
