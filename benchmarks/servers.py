"""The servers under measurement: their versions, the settings that matter, and their processes."""

import asyncio
import time
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec

from benchmarks import processes
from tests.servers.address import RabbitMQ

SETTINGS = ("server_version", "fsync", "synchronous_commit")
PATIENCE = 15.0
"""Seconds to wait for what RabbitMQ collects at intervals."""


class Servers(msgspec.Struct, frozen=True):
    """A process id is 0 where the process is not to be seen from here (another machine, a container)."""

    rabbitmq: str
    postgres: str
    fsync: str
    synchronous_commit: str
    rabbitmq_pid: int
    postgres_pid: int


async def look(rabbitmq: RabbitMQ, postgres: str) -> Servers:
    """Ask both servers."""
    rabbitmq_version, rabbitmq_pid = await asyncio.to_thread(_ask_rabbitmq, rabbitmq.management)
    connection = await asyncpg.connect(postgres)
    try:
        version, fsync, commit = [await connection.fetchval(f"SHOW {name}") for name in SETTINGS]
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        # The pid is the server's own: here it may belong to another process, or to none.
        found = processes.parent(backend) if processes.name(backend).startswith("postgres") else 0
    finally:
        await connection.close()
    return Servers(rabbitmq_version, version.split()[0], fsync, commit, rabbitmq_pid, found)


def _ask_rabbitmq(management: str) -> tuple[str, int]:
    url = urlsplit(management)
    base = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    login = (url.username or "guest", url.password or "guest")
    with httpx.Client(base_url=base, auth=login, trust_env=False, timeout=30) as client:
        version: str = client.get("/api/overview").raise_for_status().json()["rabbitmq_version"]
        pid = _pid(client)
    return version, pid if processes.name(pid).startswith("beam") else 0


def _pid(client: httpx.Client) -> int:
    """Of a cluster's first node. A node that has just started, or is busy, does not tell at once."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        node = client.get("/api/nodes").raise_for_status().json()[0]
        if "os_pid" in node:
            return int(node["os_pid"])
        time.sleep(0.5)
    return 0
