"""Where events of HTTP clients may go."""

from api.problems import Problem
from api.sender import unroutable
from topology.naming import wrong_with_key
from topology.spec import UNROUTED, Topology, nearest


def require_open(topology: Topology, exchange: str, key: str) -> None:
    """Raises Problem (422) where the topology does not open this key to HTTP, or no queue or log takes it."""
    wrong = wrong_with_key(key) or (f"{key!r} is a pattern, not a key" if {"*", "#"} & {*key} else None)
    if wrong:
        raise Problem(422, "invalid_routing_key", wrong)
    if not topology.open_to_http(exchange, key):
        hint = nearest(f"{exchange}/{key}", open_keys(topology))
        raise Problem(422, "not_open_to_http", f"{exchange}/{key} is not open to HTTP{hint}")
    require_taken(topology, exchange, key)


def require_taken(topology: Topology, exchange: str, key: str) -> None:
    """Raises Problem (422) where no queue or log takes this key: the log of unrouted messages does not count.

    The broker cannot tell, because an exchange with an alternate confirms everything.
    """
    if exchange not in topology.exchanges or not {*topology.route(exchange, key)} - {UNROUTED}:
        raise unroutable(exchange, key)


def open_keys(topology: Topology) -> list[str]:
    """Every `exchange/key` (or pattern) that is open to HTTP."""
    opened = (part for service in topology.services for part in service.http.items())
    return [f"{exchange}/{key}" for exchange, keys in opened for key in keys]
