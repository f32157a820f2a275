"""Everything that can be measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from benchmarks.scene import IDS, LANES, MANY, NOTHING, PUBLISHED, QUEUE, Scene
from benchmarks.subject import Subject


@dataclass(frozen=True, slots=True)
class Entry:
    """A subject in one benchmark. `place` is the class of the subject: it is imported in the trial's process alone."""

    benchmark: str
    subject: str
    title: str
    source: str
    place: str
    share: float = 1.0
    """Events of a trial, as a share of what was asked for: slow subjects get fewer, so that all take about as long."""
    once: bool = False
    """Whether one trial is enough."""
    connections: int = 0
    """Of the HTTP clients; 0: the subject has none."""

    @property
    def name(self) -> str:
        return f"{self.benchmark}/{self.subject}"

    def events(self, asked: int) -> int:
        """Events of a trial."""
        return max(1, round(asked * self.share))

    def make(self, scene: Scene) -> Subject:
        module, _, name = self.place.partition(":")
        given = (scene, self.connections) if self.connections else (scene,)
        subject: Subject = getattr(import_module(f"benchmarks.subjects.{module}"), name)(*given)
        return subject


COUNTING = "warren_counting:WarrenCounting"
READING = "warren_reading:WarrenReading"
PUBLISHING = "warren_edge_publishing"


def _edge(subject: str, title: str, source: str, place: str) -> list[Entry]:
    """By few clients, and by many."""
    return [
        Entry("edge", f"{subject}-{number}", f"{title}, {number:,} connections", source, place, 0.1, connections=number)
        for number in (100, 1_000)
    ]


CATALOGUE: Sequence[Entry] = (
    Entry("counting", "warren-lanes", "Warren, log agent with a table, exactly once, lanes", LANES, COUNTING),
    Entry("counting", "warren-ids", "Warren, the same, de-duplicated by message id", IDS, COUNTING),
    Entry("counting", "faust", "Faust agent with a table in memory", IDS, "faust_counting:FaustCounting", 1.0),
    Entry("reading", "warren-lanes", "Warren, log agent without state, lanes", LANES, READING),
    Entry("reading", "warren-ids", "Warren, the same, de-duplicated by message id", IDS, READING),
    Entry("reading", "rstream", "rstream consumer", IDS, "rstream_reading:RstreamReading"),
    Entry("queue", "warren", "Warren, queue agent, acked", QUEUE, "warren_queue:WarrenQueue", 0.25),
    Entry("queue", "faststream", "FastStream subscriber, acked", QUEUE, "faststream_queue:FastStreamQueue", 0.25),
    Entry("queue", "aio-pika", "aio-pika queue iterator, acked", QUEUE, "aio_pika_queue:AioPikaQueue", 0.25),
    Entry("publishing", "warren", "Warren, confirmed", PUBLISHED, "warren_publishing:WarrenPublishing", 0.5),
    Entry("publishing", "aiormq", "aiormq, confirmed", PUBLISHED, "aiormq_publishing:AiormqPublishing", 0.5),
    *_edge("warren-single", "Warren, POST of an event, confirmed", PUBLISHED, f"{PUBLISHING}:single"),
    *_edge("fastapi-single", "bare FastAPI and aio-pika, the same", PUBLISHED, "fastapi_edge:FastApiEdge"),
    *_edge("warren-order", "Warren, GET of an order", NOTHING, "warren_edge_reading:order"),
    *_edge("warren-row", "Warren, GET of a row of a table", NOTHING, "warren_edge_reading:row"),
    Entry(
        "edge",
        "warren-lines",
        "Warren, NDJSON of 10,000 events",
        PUBLISHED,
        "warren_edge_publishing:lines",
        connections=4,
    ),
    Entry(
        "edge",
        "warren-array",
        "Warren, arrays of 1,000 events",
        PUBLISHED,
        "warren_edge_publishing:array",
        connections=4,
    ),
    Entry("memory", "warren", "Warren, counting a million events", MANY, COUNTING, 5.0, once=True),
)


def find(name: str) -> list[Entry]:
    """The entries that a name means: a benchmark's (`counting`) or a subject's (`counting/faust`)."""
    return [entry for entry in CATALOGUE if name in (entry.benchmark, entry.name)]
