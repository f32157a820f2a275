"""The scene of a trial: where the servers are, and what was prepared there."""

from urllib.parse import unquote, urlsplit

import msgspec

LANES = "orders.lanes"
"""The log whose messages carry lanes."""
IDS = "orders.ids"
"""The log whose messages are told apart by their ids."""
MANY = "orders.many"
"""As IDS, with more of them."""
PUBLISHED = "orders.published"
"""The log that publishing fills."""
QUEUE = "orders.queue"
NOTHING = ""
"""No events wait anywhere, and none are published: `count` are requests."""


class Scene(msgspec.Struct, frozen=True):
    """One virtual host and one schema. `count` events wait in the log or queue `source`, or are to be published."""

    amqp: str
    stream: str
    postgres: str
    schema: str
    source: str
    count: int
    rabbitmq_pid: int = 0
    """0 where its process is not on this machine."""
    postgres_pid: int = 0

    @property
    def user(self) -> str:
        """Whom RabbitMQ knows us as."""
        return unquote(urlsplit(self.amqp).username or "guest")
