"""Which names and routing keys are possible. Each function says what is wrong with one, or None."""

import re

from topology.spec import RETRY_PREFIX

_LONGEST = 255  # a short string of AMQP 0-9-1 holds so many bytes


def wrong_with_service(name: str) -> str | None:
    """A service names a RabbitMQ user and a database schema too."""
    if re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name):
        return None
    return f"{name!r} cannot be a service: use a-z, 0-9, - and _, begin with a letter, at most 63 characters"


def wrong_with_name(name: str) -> str | None:
    """Exchanges, queues and logs: the characters that AMQP 0-9-1 gives to names, without those that are taken."""
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", name):
        return f"{name!r} cannot be a name: use letters, digits and . _ - :"
    if len(name) > _LONGEST:
        return f"the name is too long: {len(name)} characters, at most {_LONGEST}"
    if name.startswith("amq."):
        return "names that begin with 'amq.' belong to RabbitMQ: choose another"
    if name.startswith(RETRY_PREFIX):
        return f"names that begin with {RETRY_PREFIX!r} belong to the retry ladder: choose another"
    return None


def wrong_with_key(key: str) -> str | None:
    """Routing keys and patterns: words separated by dots; `*` and `#` stand for whole words."""
    if re.search(r"\s", key):
        return f"{key!r} cannot be a routing key: it holds a space"
    if len(key.encode()) > _LONGEST:
        return f"the routing key is too long: {len(key.encode())} bytes, at most {_LONGEST}"
    partial = next((word for word in key.split(".") if len(word) > 1 and re.search(r"[*#]", word)), None)
    if partial:
        return f"in {key!r}, {partial!r} never matches: * and # stand for whole words, as in 'order.*' or 'order.#'"
    return None
