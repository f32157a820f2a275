"""Which servers keep what a store in MongoDB promises."""

from collections.abc import Mapping

from stores.port import Capabilities, Durability

CAPABILITIES = Capabilities(name="mongodb", commits=True, durability=Durability.POWER_LOSS, exclusive=False)
"""Every write waits for the majority's journals (`w: majority, j: true`)."""

_OLDEST, _OLDEST_WIRE = "5.0", 13


def refusal(hello: Mapping[str, object], engine: Mapping[str, object]) -> str | None:
    """Why a server that answers `hello` so, with this storage engine, cannot be used; None if it can."""
    version = hello.get("maxWireVersion")
    if not isinstance(version, int) or version < _OLDEST_WIRE:
        return f"MongoDB {_OLDEST} or later is needed"
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        return "it is no replica set, and transactions need one: start mongod with --replSet, and run rs.initiate()"
    if engine.get("persistent") is False:
        return f"its storage engine {engine.get('name')!r} keeps nothing over a restart: use wiredTiger"
    return None
