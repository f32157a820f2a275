"""The scene of a trial: where the servers are, and what was prepared there."""

from urllib.parse import unquote, urlsplit

import msgspec

from benchmarks.orders import EXCHANGE, TYPE
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

LANES = "orders.lanes"
"""The log whose messages carry lanes."""
IDS = "orders.ids"
"""The log whose messages are told apart by their ids."""
PUBLISHED = "orders.published"
"""The log that publishing fills."""
QUEUE = "orders.queue"


class Scene(msgspec.Struct, frozen=True):
    """One virtual host and one schema. `count` events wait in the log or queue `source`, or are to be published."""

    amqp: str
    stream: str
    postgres: str
    schema: str
    source: str
    count: int

    @property
    def user(self) -> str:
        """Whom RabbitMQ knows us as."""
        return unquote(urlsplit(self.amqp).username or "guest")


def topology() -> Topology:
    """What agents and publishers find declared."""
    everything = (Binding(EXCHANGE, "#"),)
    service = Service(
        "orders",
        exchanges=(Exchange(EXCHANGE),),
        publishes={EXCHANGE: (TYPE,)},
        queues=(Queue(QUEUE, everything),),
        logs=tuple(Log(name, everything) for name in (LANES, IDS, PUBLISHED)),
    )
    return Topology((service,))
