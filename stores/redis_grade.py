"""What a Redis server promises of what it has confirmed, by its settings."""

from collections.abc import Mapping

from stores.errors import StoreRefused
from stores.port import Capabilities, Durability

OLDEST = 6

Settings = Mapping[str, str]


def capabilities(durability: Durability) -> Capabilities:
    """Of a store in Redis: documents alone, for any number of processes."""
    return Capabilities(name="redis", commits=False, durability=durability, exclusive=False)


def grade(info: Settings, policy: Settings) -> Capabilities:
    """What a server with this INFO and these settings of its append-only file gives.

    `appendfsync always` answers a write after the disk has it. `everysec` and `no` answer when the kernel has it: that
    survives the process, and a power loss takes the last second, or half a minute. A server that does not tell
    (managed ones forbid CONFIG) is taken for the weaker. Raises StoreRefused where documents would not even survive the
    server's process, or may be evicted.
    """
    reason = refusal(info)
    if reason is not None:
        raise StoreRefused(f"this Redis cannot keep documents: {reason}")
    syncs = policy.get("appendfsync") == "always" and policy.get("no-appendfsync-on-rewrite") == "no"
    return capabilities(Durability.POWER_LOSS if syncs else Durability.KILL)


def refusal(info: Settings) -> str | None:
    """Why a server cannot be used at all; None if it can."""
    if int(info["redis_version"].partition(".")[0]) < OLDEST:
        return f"it is version {info['redis_version']}, and {OLDEST} or later is needed"
    if info["role"] != "master":
        return "it is a replica: name the master in the URL"
    if info.get("cluster_enabled") == "1":
        return "it is a node of a cluster: name a server that stands alone, or one that Sentinel looks after"
    if info["aof_enabled"] != "1":
        return "appendonly is off, so a restart loses documents: set `appendonly yes`"
    if info["maxmemory_policy"].startswith("allkeys-"):
        return f"maxmemory-policy is {info['maxmemory_policy']}, which throws documents away: set it to noeviction"
    return None
