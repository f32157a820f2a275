"""The harness gives tests servers that are what production runs, and takes them away again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from redis import Redis

from tests.servers import guard
from tests.servers.address import POSTGRES, REDIS, RabbitMQ
from tests.servers.errors import ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.management import answers
from tests.servers.server import PostgresServer, RabbitMQServer, RedisServer
from tests.servers.supply import Supply


async def test_rabbitmq_takes_messages_into_a_stream(rabbitmq_vhost: RabbitMQ) -> None:
    connection = await aio_pika.connect(rabbitmq_vhost.amqp)
    async with connection:
        channel = await connection.channel()
        stream = await channel.declare_queue("log", durable=True, arguments={"x-queue-type": "stream"})
        await channel.default_exchange.publish(aio_pika.Message(b"event"), stream.name)


async def test_postgres_is_as_durable_as_in_production(postgres: str, postgres_schema: str) -> None:
    connection = await asyncpg.connect(postgres)
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.execute(f"CREATE TABLE {postgres_schema}.kept (id int)")
    await connection.close()


async def test_postgres_keeps_what_was_committed_when_it_is_killed(own_postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(own_postgres.url)
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
    own_postgres.kill()
    own_postgres.start()
    connection.terminate()
    again = await asyncpg.connect(own_postgres.url)
    assert await again.fetchval("SELECT id FROM kept") == 1
    await again.close()


def test_redis_keeps_what_it_confirmed_when_it_is_killed(own_redis: RedisServer) -> None:
    with Redis.from_url(own_redis.url) as client:
        client.set("kept", "1")
        own_redis.kill()
        own_redis.start()
    with Redis.from_url(own_redis.url) as again:
        assert again.get("kept") == b"1"


async def test_rabbitmq_keeps_its_ports_and_queues_when_it_is_killed(own_rabbitmq: RabbitMQServer) -> None:
    await _declare(own_rabbitmq.address, passive=False)
    own_rabbitmq.kill()
    assert not answers(own_rabbitmq.address)
    own_rabbitmq.start()
    await _declare(own_rabbitmq.address, passive=True)
    own_rabbitmq.restart()
    await _declare(own_rabbitmq.address, passive=True)


async def _declare(server: RabbitMQ, *, passive: bool) -> None:
    connection = await aio_pika.connect(server.amqp)
    async with connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, passive=passive, arguments={"x-queue-type": "quorum"})


def test_addresses_in_the_environment_are_taken_as_they_are() -> None:
    with Supply({POSTGRES: "postgresql://elsewhere/db"}) as supply:
        assert supply.postgres == "postgresql://elsewhere/db"


def test_a_broker_without_its_stream_address_is_refused() -> None:
    with (
        Supply({"WARREN_TEST_BROKER": "amqp://elsewhere/"}) as supply,
        pytest.raises(ServerUnavailable, match="STREAM"),
    ):
        _ = supply.rabbitmq


def test_a_command_gets_the_addresses_and_its_exit_status_is_handed_on() -> None:
    addresses = {
        "WARREN_TEST_BROKER": "amqp://a/",
        "WARREN_TEST_STREAM": "rabbitmq-stream://a/",
        "WARREN_TEST_MANAGEMENT": "http://a",
        POSTGRES: "postgresql://a/db",
        REDIS: "redis://a/",
    }
    script = "import os, sys; sys.exit(7 if os.environ['WARREN_TEST_POSTGRES'] == 'postgresql://a/db' else 1)"
    command = [sys.executable, "-m", "tests.servers", "run", "--", sys.executable, "-c", script]
    assert subprocess.run(command, check=False, env={**os.environ, **addresses}).returncode == 7


def test_what_a_killed_run_leaves_behind_is_stopped_and_removed(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    script = f"""
import json, os, signal, subprocess
from pathlib import Path
from tests.servers.guard import Guard
guard = Guard()
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
guard.watch_process(child.pid, signal.SIGTERM)
guard.watch_directory(Path({str(left)!r}))
print(json.dumps(child.pid), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    _wait_until(lambda: not left.exists() and not _runs(json.loads(ended.stdout)))


def test_what_was_taken_back_is_left_alone(tmp_path: Path) -> None:
    guard = Guard()
    guard.watch_directory(tmp_path)
    guard.forget_directory(tmp_path)
    guard.close()
    assert tmp_path.exists()


def test_a_server_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    guard = Guard()
    stubborn = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo ready; sleep 600"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert stubborn.stdout is not None
    with stubborn.stdout as output:
        output.readline()
    guard.watch_process(stubborn.pid, signal.SIGTERM)
    guard.close()
    assert stubborn.wait(10) == -signal.SIGKILL


def test_a_process_that_was_given_a_registered_number_later_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    births = iter(["1000", "2000"])
    monkeypatch.setattr(guard, "_birth", lambda pid: next(births))
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    guard.keep_watch([json.dumps(["add", ["process", stranger.pid, signal.SIGTERM]])])
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait(10)


def _runs(pid: int) -> bool:
    # An orphan that has ended may stay a zombie where nothing reaps it.
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "still not so after 15 s"
        time.sleep(0.02)
