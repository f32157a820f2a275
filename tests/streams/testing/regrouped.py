"""An agent that regroups its stream through a log of two partitions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from streams import App, Record, Stream
from streams.testing import Input, Outcome, Scenario, Violation
from topology.spec import Binding, Exchange, Log, Service, Topology

topology = Topology(
    (
        Service("shared", exchanges=(Exchange("dlx"),), logs=(Log("dead.letters", (Binding("dlx", "#"),)),)),
        Service(
            "meter",
            exchanges=(Exchange("readings"),),
            logs=(Log("taken", (Binding("readings", "#"),)), Log("by.house", partitions=2)),
        ),
    )
)


class Reading(Record, event="reading"):
    """What a meter says."""

    house: str
    units: int


def apps() -> Sequence[App]:
    """Units of each house."""
    app = App("meter")
    units = app.Table("units", default=int)
    by_house = app.topic("by.house", value_type=Reading)

    @app.agent(app.topic("taken", value_type=Reading))
    async def sums(stream: Stream[Reading]) -> None:
        async for reading in stream.group_by(lambda reading: reading.house, by_house):
            units[reading.house] += reading.units

    return (app,)


def inputs(random: Random) -> Iterator[Input]:
    """Readings of some houses."""
    for number in range(random.randint(5, 30)):
        reading = Reading(random.choice("abc"), random.randint(1, 9))
        yield Input("readings", reading, id=f"reading-{number}", after=random.choice([0, 0.1, 3]))


def check(outcome: Outcome) -> Iterable[Violation]:
    """Each reading counts once."""
    taken: Counter[str] = Counter()
    for given in outcome.inputs:
        if isinstance(given.value, Reading):
            taken[given.value.house] += given.value.units
    if outcome.table("meter", "units") != taken:
        yield Violation("wrong", f"taken {dict(taken)}, counted {outcome.table('meter', 'units')}")


def scenario() -> Scenario:
    """All of it."""
    return Scenario(apps, topology, inputs, check)
