"""The welcome agent notes each new user once, however often the event comes."""

import asyncio
from random import Random
from uuid import UUID

from agents.auth.events import Profile, UserCreated
from agents.auth.tables import app, welcomes
from agents.registry import load
from stores.memory import MemoryStore
from streams import Publisher, Worker
from streams.embedded import Embedded
from streams.testing.virtual_time import VirtualTimeLoop
from tests.agents.auth.scene import NOON
from topology.load import load_shop

HAZEL = UserCreated(UUID(int=1), "hazel@downs.example", Profile(), ["customer"])


def test_a_new_user_is_noted_once() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_noted())


async def _noted() -> None:
    topology, store = load_shop(), MemoryStore()
    server = Embedded(topology, clock=_now)
    broker = server.connect("auth")
    await store.open()
    await store.apply(app.specs())
    worker = Worker(load(["auth"]), broker=broker, stores={"auth": store}, topology=topology, now=_now, ids=Random(1))
    await worker.start()
    publisher = Publisher(broker, topology, service="auth", now=_now, ids=Random(0))
    for _ in range(3):
        await publisher.publish([publisher.record("user.events", HAZEL, key=str(HAZEL.user_id), time=NOON)])
    await asyncio.sleep(30)
    (row,) = (await store.query(welcomes.name)).rows
    assert row.value == f'{{"userId":"{HAZEL.user_id}","registeredAt":"2026-01-01T12:00:00Z"}}'.encode()
    assert (await broker.extent("dead.letters")).last == -1
    await worker.stop()
    await server.close()


def _now() -> int:
    return NOON + round(asyncio.get_running_loop().time() * 1000)
