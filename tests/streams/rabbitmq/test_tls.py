"""RabbitMQ behind TLS."""

import ssl
from pathlib import Path
from uuid import uuid4

import pytest

from streams.broker import Extent, Message, Outcome
from streams.errors import BrokerUnavailable
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Server
from tests.streams.rabbitmq.foreign import Foreign
from tests.streams.rabbitmq.proxy import proxied

CERTIFICATE = Path(__file__).with_name("localhost.pem")


def message() -> Message:
    return Message(exchange="", routing_key="log", body=b"{}", message_id=str(uuid4()), type="t")


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def secure(url: str) -> str:
    return url.replace("amqp:", "amqps:").replace("rabbitmq-stream:", "rabbitmq-stream+tls:")


async def test_both_protocols_go_through_tls_with_certificates_of_ones_own(
    rabbitmq_vhost: Server, foreign: Foreign
) -> None:
    await foreign.log("log")
    await foreign.queue("queue")
    own = server_context()
    async with proxied(rabbitmq_vhost.amqp, own) as amqp, proxied(rabbitmq_vhost.stream, own) as stream:
        urls = secure(amqp.at(rabbitmq_vhost.amqp)), secure(stream.at(rabbitmq_vhost.stream))
        broker = RabbitMQ(*urls, ssl=ssl.create_default_context(cafile=CERTIFICATE))
        assert await broker.publish([message() for _ in range(1000)]) == [Outcome.CONFIRMED] * 1000
        assert await broker.extent("log") == Extent(0, 999)
        assert await broker.depth("queue") == 0
        await broker.close()


async def test_a_certificate_that_nobody_trusts_is_refused(rabbitmq_vhost: Server) -> None:
    own = server_context()
    async with proxied(rabbitmq_vhost.amqp, own) as amqp, proxied(rabbitmq_vhost.stream, own) as stream:
        urls = secure(amqp.at(rabbitmq_vhost.amqp)), secure(stream.at(rabbitmq_vhost.stream))
        broker = RabbitMQ(*urls)
        assert await broker.publish([message()]) == [Outcome.LOST]
        with pytest.raises(BrokerUnavailable, match="certificate"):
            await broker.extent("log")
        assert "certificate" in broker.health().problems[0]
        await broker.close()
