"""Editions of a log: with each new number its partitions are other streams, filled by a forwarder of their own.

What an agent has read says which edition that was, by the lanes it knows: those of the edition's forwarder, or where
the log is read whole again, a mark that stands for one.
"""

from stores.port import Slot
from streams.errors import Halted, Outdated
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


def reunion_lane(log: str, edition: int) -> str:
    """The mark of an edition that has one partition: nobody sends as this lane.

    Its numbers are those of events that were counted out of the partitions before, beyond where their forwarder ended.
    """
    return f"{log}/{Slot(f'{_FORWARDER}{log}.{edition}')}@reunion"


def check_edition(source: Source, lanes: Lanes) -> None:
    """Raises Outdated where what an agent keeps was moved to a later edition, and Halted where it has yet to be."""
    read = max((_edition(lane, source.log) for lane in lanes.open), default=0)
    if read > source.edition:
        raise Outdated(
            f"what this agent keeps of log {source.log!r} lies by the number of partitions of edition {read}: the "
            f"topology is to say `edition: {read}` and that number; start this worker again with it"
        )
    if 0 < read < source.edition:
        raise Halted(
            f"what this agent keeps of log {source.log!r} lies by the number of partitions of edition {read}: it goes "
            f"on once `warren agents repartition {source.log}` has moved it"
        )


def _edition(lane: str, log: str) -> int:
    """Of which edition of a log this is the forwarder's lane; 0 for all other lanes."""
    agent = lane.partition("/")[2].rpartition("/")[0]
    if not agent.startswith(_FORWARDER):
        return 0
    stem = agent.removeprefix(_FORWARDER)
    name, _, edition = stem.rpartition(".")
    return 1 if stem == log else int(edition) if name == log and edition.isdecimal() else 0
