"""Publishing with aiormq, confirmed: it supplies the trials with events, and is itself a peer in publishing."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from aiormq.abc import AbstractChannel
from pamqp.commands import Basic

from streams.broker import Message

IN_FLIGHT = 1_000
"""Confirms that may be outstanding."""


class Parcel(NamedTuple):
    """A message as aiormq takes it."""

    body: bytes
    properties: Basic.Properties


def parcel(message: Message, user: str) -> Parcel:
    """The same message for aiormq."""
    when = None if message.timestamp is None else datetime.fromtimestamp(message.timestamp, UTC)
    return Parcel(
        message.body,
        Basic.Properties(
            content_type="application/json",
            headers=dict(message.headers),
            delivery_mode=2,
            correlation_id=message.correlation_id,
            message_id=message.message_id,
            timestamp=when,
            message_type=message.type,
            user_id=user,
            app_id=message.app_id,
        ),
    )


async def publish(channel: AbstractChannel, parcels: Iterable[Parcel], exchange: str, routing_key: str) -> int:
    """Publish all, wait for every confirm, and say how many there were. Raises where one is not a plain ack."""
    count, left = 0, iter(parcels)
    while window := list(islice(left, IN_FLIGHT)):
        sends = [
            channel.basic_publish(p.body, exchange=exchange, routing_key=routing_key, properties=p.properties)
            for p in window
        ]
        for answer in await asyncio.gather(*sends):
            if not isinstance(answer, Basic.Ack):
                raise RuntimeError(f"RabbitMQ did not take a message: {answer}")
        count += len(window)
    return count
