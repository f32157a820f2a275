"""rstream's consumer on the scene's log."""

from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from rstream import AMQPMessage, Consumer, ConsumerOffsetSpecification, MessageContext, OffsetType, amqp_decoder

from benchmarks.scene import Scene

CREDIT = 20
"""Chunks that the server may send ahead."""

Callback = Callable[[AMQPMessage, MessageContext], Awaitable[None] | None]


def connect(scene: Scene) -> Consumer:
    """A consumer that connects when it is first used."""
    url = urlsplit(scene.stream)
    return Consumer(
        url.hostname or "",
        url.port or 5552,
        username=unquote(url.username or ""),
        password=unquote(url.password or ""),
        vhost=unquote(url.path[1:]) or "/",
        load_balancer_mode=True,
    )


async def subscribe(consumer: Consumer, log: str, callback: Callback) -> None:
    """Read a log from its beginning, each message decoded by rstream."""
    first = ConsumerOffsetSpecification(OffsetType.FIRST, None)
    await consumer.subscribe(log, callback, decoder=amqp_decoder, offset_specification=first, initial_credit=CREDIT)
