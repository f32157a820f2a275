"""Publishing to a real RabbitMQ."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote
from uuid import uuid4

import pytest

from streams.broker import Message, Outcome, Scalar
from streams.errors import AccessRefused
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Server
from tests.streams.rabbitmq.conftest import Breakable, close_connections
from tests.streams.rabbitmq.foreign import Foreign

CONFIRMED, UNROUTABLE, REFUSED, LOST = Outcome.CONFIRMED, Outcome.UNROUTABLE, Outcome.REFUSED, Outcome.LOST


def message(exchange: str, key: str, body: bytes = b"{}", headers: dict[str, Scalar] | None = None) -> Message:
    return Message(
        exchange=exchange,
        routing_key=key,
        body=body,
        message_id=str(uuid4()),
        type="order.created",
        headers=headers or {},
    )


def numbered(exchange: str, key: str, count: int) -> list[Message]:
    return [message(exchange, key, b"%d" % number) for number in range(count)]


async def bodies(broker: RabbitMQ, log: str, count: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(20), broker.read(log, "first") as reader:
        while len(found) < count:
            found += [envelope.body for envelope in reader.scan(await anext(reader), 0, ())]
    return found


async def test_thousands_of_messages_are_confirmed_and_kept_in_order(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.exchange("events")
    await foreign.log("log", "events")
    sent = numbered("events", "order.created", 20_000)
    assert await broker.publish(sent) == [CONFIRMED] * 20_000
    assert await bodies(broker, "log", 20_000) == [one.body for one in sent]


async def test_nothing_to_publish_needs_no_connection() -> None:
    assert await RabbitMQ("amqp://127.0.0.1:1/", "rabbitmq-stream://127.0.0.1:1/").publish([]) == []


async def test_unroutable_messages_are_told_apart_and_hold_nothing_up(broker: RabbitMQ, foreign: Foreign) -> None:
    exchange = await foreign.exchange("events")
    await foreign.log("log")
    await (await foreign._channel.get_queue("log")).bind(exchange, "order.#")
    keys = ["order.a", "nowhere", "order.b", "nowhere", "nowhere", "order.c"] * 500
    outcomes = await broker.publish([message("events", key) for key in keys])
    assert outcomes == [UNROUTABLE if key == "nowhere" else CONFIRMED for key in keys]


async def test_an_alternate_exchange_turns_a_return_into_a_confirm(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.exchange("unrouted", "fanout")
    await foreign.log("unrouted", "unrouted")
    await foreign.exchange("events", arguments={"alternate-exchange": "unrouted"})
    assert await broker.publish([message("events", "nowhere")]) == [CONFIRMED]


async def test_two_messages_of_one_id_keep_their_own_outcomes(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    gone, kept = message("", "nowhere"), message("", "queue")
    gone.message_id = kept.message_id
    assert await broker.publish([gone, kept, gone]) == [UNROUTABLE, CONFIRMED, UNROUTABLE]


async def test_a_full_queue_refuses_and_the_others_are_confirmed(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue(
        "full", arguments={"x-max-length": 1, "x-overflow": "reject-publish", "x-queue-type": "classic"}
    )
    await foreign.queue("roomy")
    outcomes = await broker.publish([message("", queue) for queue in ("full", "full", "roomy", "full", "roomy")])
    assert outcomes == [CONFIRMED, REFUSED, CONFIRMED, REFUSED, CONFIRMED]


async def test_a_body_of_many_frames_arrives_whole(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    body = bytes(range(256)) * 40_960
    assert await broker.publish([message("", "log", body)]) == [CONFIRMED]
    assert await bodies(broker, "log", 1) == [body]


async def test_what_is_too_large_or_cannot_be_written_is_refused_alone(
    rabbitmq_vhost: Server, foreign: Foreign, caplog: pytest.LogCaptureFixture
) -> None:
    await foreign.queue("queue")
    broker = RabbitMQ(rabbitmq_vhost.amqp, rabbitmq_vhost.stream, max_message_bytes=1000)
    messages = [message("", "queue", b"x" * 1000), message("", "queue", b"x" * 1001), message("", "k" * 256)]
    messages += [message("", "queue", headers={"n": 2**63}), message("", "queue")]
    with caplog.at_level(logging.WARNING):
        assert await broker.publish(messages) == [CONFIRMED, REFUSED, REFUSED, REFUSED, CONFIRMED]
    assert "1001 bytes, 1000 is the most" in caplog.text
    await broker.close()


async def test_the_largest_message_that_the_broker_takes_is_learnt_from_it(
    rabbitmq_vhost: Server, foreign: Foreign
) -> None:
    await foreign.queue("queue")
    broker = RabbitMQ(rabbitmq_vhost.amqp, rabbitmq_vhost.stream, max_message_bytes=200 << 20)
    large = message("", "queue", b"\0" * ((128 << 20) + 1))
    assert await broker.publish([large]) == [LOST]
    assert broker.capabilities.max_message_bytes in {16 << 20, 128 << 20}, "of RabbitMQ 4, and before"
    assert await broker.publish([message("", "queue"), large]) == [CONFIRMED, REFUSED]
    await broker.close()


async def test_texts_and_numbers_of_every_kind_survive_into_a_log(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.manage("PUT", f"exchanges/{{vhost}}/{quote('events.ö€😀')}", {"type": "topic", "durable": True})
    stream = {"durable": True, "arguments": {"x-queue-type": "stream"}}
    await foreign.manage("PUT", f"queues/{{vhost}}/{quote('log ✓')}", stream)
    path = f"bindings/{{vhost}}/e/{quote('events.ö€😀')}/q/{quote('log ✓')}"
    await foreign.manage("POST", path, {"routing_key": "#"})
    headers: dict[str, Scalar] = {
        "key": "schlüssel €😀",
        "empty": "",
        "long": "x" * 5000,
        "quote": "\"'\\\n\t\0",
        "zero": 0,
        "negative": -1,
        "big": 2**63 - 1,
        "small": -(2**63),
        "yes": True,
        "no": False,
        "naïve name": "value",
    }
    sent = message("events.ö€😀", "key.ö", "{'ä'}".encode(), headers)
    sent.correlation_id, sent.timestamp, sent.app_id = "correlation ü", 1_700_000_000, "app"
    assert await broker.publish([sent]) == [CONFIRMED]
    async with broker.read("log ✓", "first") as reader:
        (found,) = reader.scan(await anext(reader), 0, ())
        details = reader.details(found)
    assert (found.id, found.type, found.user, found.body) == (sent.message_id, sent.type, "guest", sent.body)
    assert (found.key, found.lane, found.seq) == ("schlüssel €😀", "", -1)
    assert details.headers == headers
    assert (details.exchange, details.routing_key) == ("events.ö€😀", "key.ö")
    assert (details.correlation_id, details.timestamp, details.app_id) == ("correlation ü", 1_700_000_000, "app")


# --- exchanges that are missing or forbidden ---


async def test_a_missing_exchange_fails_its_own_messages_only(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    mixed = [message("", "queue"), message("missing", "a"), message("", "queue"), message("missing", "b")]
    first = await broker.publish(mixed)
    assert first[1:] == [LOST, LOST, LOST]
    for _ in range(2):
        assert await broker.publish(mixed) == [CONFIRMED, UNROUTABLE, CONFIRMED, UNROUTABLE]
    (problem,) = broker.health().problems
    assert "'missing'" in problem
    assert "warren topology apply" in problem


async def test_a_missing_exchange_is_used_again_once_it_is_there(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    for outcome in (LOST, UNROUTABLE):
        assert await broker.publish(numbered("late", "k", 3)) == [outcome] * 3
    await (await foreign._channel.get_queue("log")).bind(await foreign.exchange("late"), "#")
    assert await broker.publish(numbered("late", "k", 1000)) == [CONFIRMED] * 1000
    assert broker.health().problems == ()
    assert await bodies(broker, "log", 1000) == [b"%d" % number for number in range(1000)]


async def test_other_callers_are_not_disturbed_by_a_known_missing_exchange(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await broker.publish([message("missing", "k")])
    calls = [broker.publish([message("missing", "k"), message("", "queue")]) for _ in range(20)]
    assert await asyncio.gather(*calls) == [[UNROUTABLE, CONFIRMED]] * 20


@asynccontextmanager
async def user(foreign: Foreign, *, write: str, topic: str | None = None) -> AsyncIterator[RabbitMQ]:
    """A broker for a new user with these permissions (`topic`: routing keys that it may send to `events`)."""
    name = f"user-{uuid4().hex}"
    server = foreign.server
    await foreign.manage("PUT", f"users/{name}", {"password": "secret", "tags": ""})
    await foreign.manage("PUT", f"permissions/{{vhost}}/{name}", {"configure": "", "write": write, "read": ".*"})
    if topic is not None:
        rights = {"exchange": "events", "write": topic, "read": ".*"}
        await foreign.manage("PUT", f"topic-permissions/{{vhost}}/{name}", rights)
    urls = [url.replace("guest:guest@", f"{name}:secret@") for url in (server.amqp, server.stream)]
    broker = RabbitMQ(*urls)
    try:
        yield broker
    finally:
        await broker.close()
        await foreign.manage("DELETE", f"users/{name}")


async def test_a_forbidden_exchange_refuses_its_own_messages_only(foreign: Foreign) -> None:
    await foreign.exchange("events")
    await foreign.queue("queue", "events")
    async with user(foreign, write="amq.default") as broker:
        mixed = [message("", "queue"), message("events", "a"), message("", "queue")]
        assert (await broker.publish(mixed))[1:] == [LOST, LOST]
        assert await broker.publish(mixed) == [CONFIRMED, REFUSED, CONFIRMED]
        assert broker.user.startswith("user-")


async def test_a_forbidden_routing_key_refuses_its_own_messages_only(foreign: Foreign) -> None:
    await foreign.exchange("events")
    await foreign.queue("queue", "events")
    async with user(foreign, write=".*", topic="^order\\..*") as broker:
        mixed = [message("events", key) for key in ("order.a", "user.a", "order.b", "user.b", "user.a")]
        await broker.publish(mixed)
        await broker.publish(mixed)
        assert await broker.publish(mixed) == [CONFIRMED, REFUSED, CONFIRMED, REFUSED, REFUSED]


async def test_a_wrong_password_is_said_and_not_taken_for_an_outage(rabbitmq_vhost: Server) -> None:
    broker = RabbitMQ(rabbitmq_vhost.amqp.replace(":guest@", ":wrong@"), rabbitmq_vhost.stream)
    with pytest.raises(AccessRefused, match="password"):
        await broker.publish([message("", "queue")])
    with pytest.raises(AccessRefused, match="password") as caught:
        await broker.open()
    assert caught.value.__cause__ is not None
    await broker.close()


# --- broken connections ---


async def test_a_broker_that_hangs_up_before_its_greeting_loses_everything_and_says_so() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        broker = RabbitMQ(f"amqp://guest:guest@127.0.0.1:{port}/", "rabbitmq-stream://guest:guest@127.0.0.1:1/")
        assert await broker.publish([message("", "queue")]) == [Outcome.LOST]
        assert broker.health().state == "down"
        await broker.close()


async def test_an_unreachable_broker_loses_everything_and_says_so() -> None:
    broker = RabbitMQ("amqp://guest:secret@127.0.0.1:1/", "rabbitmq-stream://guest:secret@127.0.0.1:1/")
    assert await broker.publish([message("", "queue")] * 3) == [LOST] * 3
    health = broker.health()
    assert health.state == "down"
    assert "127.0.0.1:1" in health.problems[0]
    assert "secret" not in str(health)
    await broker.close()


async def test_a_connection_that_breaks_in_the_middle_loses_a_tail_and_the_next_call_connects_again(
    breakable: Breakable, foreign: Foreign
) -> None:
    await foreign.log("log")
    broker = breakable.broker
    await broker.publish(numbered("", "log", 10))
    breakable.amqp.cut_after(2_000_000)
    sent = numbered("", "log", 20_000)
    outcomes = await broker.publish(sent)
    assert set(outcomes) == {CONFIRMED, LOST}
    confirmed = outcomes.index(LOST)
    assert outcomes == [CONFIRMED] * confirmed + [LOST] * (20_000 - confirmed)
    kept = await bodies(broker, "log", 10 + confirmed)
    assert kept[10 : 10 + confirmed] == [one.body for one in sent[:confirmed]]
    assert await broker.publish(numbered("", "log", 10)) == [CONFIRMED] * 10
    assert broker.health().state == "connected"


async def test_a_break_while_confirms_are_outstanding_loses_them_for_every_caller(
    breakable: Breakable, foreign: Foreign
) -> None:
    await foreign.log("log")
    broker = breakable.broker
    await broker.publish([message("", "log")])
    breakable.amqp.hold()
    calls = [asyncio.create_task(broker.publish(numbered("", "log", 100))) for _ in range(5)]
    await breakable.amqp.held.wait()
    breakable.cut()
    assert await asyncio.gather(*calls) == [[LOST] * 100] * 5
    breakable.amqp.release()
    assert await broker.publish(numbered("", "log", 10)) == [CONFIRMED] * 10


async def test_a_connection_that_the_server_closes_is_made_anew(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    assert await broker.publish(numbered("", "log", 10)) == [CONFIRMED] * 10
    await close_connections(foreign, "warren publishes")
    assert await broker.publish(numbered("", "log", 10)) in ([LOST] * 10, [CONFIRMED] * 10)
    assert await broker.publish(numbered("", "log", 10)) == [CONFIRMED] * 10


async def test_calls_at_once_each_keep_their_order(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    calls = [[message("", "log", b"%d %d" % (call, n)) for n in range(500)] for call in range(10)]
    outcomes = await asyncio.gather(*(broker.publish(call) for call in calls))
    assert outcomes == [[CONFIRMED] * 500] * 10
    kept = await bodies(broker, "log", 5000)
    for number, call in enumerate(calls):
        assert [body for body in kept if body.startswith(b"%d " % number)] == [one.body for one in call]


async def test_a_cancelled_call_leaves_the_others_alone(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    await broker.open()
    first = asyncio.create_task(broker.publish(numbered("", "log", 20_000)))
    second = asyncio.create_task(broker.publish(numbered("", "log", 100)))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == [CONFIRMED] * 100
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await broker.publish(numbered("", "log", 100)) == [CONFIRMED] * 100


async def test_closing_waits_for_what_is_under_way(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    publishing = asyncio.create_task(broker.publish(numbered("", "log", 10_000)))
    await asyncio.sleep(0)
    await broker.close()
    assert await publishing == [CONFIRMED] * 10_000
    await broker.close()
