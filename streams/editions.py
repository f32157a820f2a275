"""Editions of a log: with each new number its partitions are other streams, filled by a forwarder of their own."""

from stores.port import Slot
from streams.errors import Outdated
from streams.lanes import Lanes
from streams.source import Source
from topology.spec import Log

_FORWARDER = "forward:"


def forwarder_name(log: Log) -> str:
    """What the forwarder of a log is called among the agents of its service."""
    return f"{_FORWARDER}{log.stem}"


def forwarder_lane(service: str, slot: Slot, birth: str) -> str:
    """As what a forwarder sends."""
    return f"{service}/{slot}@{birth}"


def check_edition(source: Source, lanes: Lanes) -> None:
    """Raises Outdated where what an agent keeps was moved to another edition: by what it has read of forwarders."""
    stems = {lane.partition("/")[2].rpartition("/")[0].removeprefix(_FORWARDER) for lane in lanes.open}
    for stem in stems - {source.stem}:
        log, _, edition = stem.rpartition(".")
        if log == source.log and edition.isdecimal():
            raise Outdated(
                f"what this agent keeps of log {log!r} lies by the number of partitions of edition {edition}: the "
                f"topology is to say `edition: {edition}` and that number; start this worker again with it. Where this "
                f"worker's topology is the newer one, run `warren agents repartition {log}` first"
            )
