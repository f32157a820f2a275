"""A bare FastAPI endpoint that publishes one message with aio-pika: persistent, mandatory, confirmed before the answer.

Beside it stands nothing of what Warren's edge does: no tokens, rates, limits, correlation, metrics or log.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import aio_pika
import uvicorn
from aio_pika.abc import AbstractExchange
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from benchmarks.clients import ask
from benchmarks.load import Load, Plan
from benchmarks.orders import EXCHANGE, TYPE
from benchmarks.publishing import ONE
from benchmarks.scene import Scene

PATH = "/events"


class Order(BaseModel):
    """The fields of an order."""

    model_config = ConfigDict(alias_generator=to_camel)

    order_id: str
    user_id: str
    total_cents: int
    currency: str
    items: int


class Event(BaseModel):
    """What is posted."""

    key: str
    data: Order


class FastApiEdge:
    """The server is this process, with uvicorn's settings as Warren's edge has them; the clients are in another."""

    load: Load

    def __init__(self, scene: Scene, connections: int) -> None:
        self._scene = scene
        self._connections = connections
        self._stack = AsyncExitStack()
        self._plan: Plan

    async def prepare(self) -> None:
        connection = await aio_pika.connect_robust(self._scene.amqp)
        self._stack.push_async_callback(connection.close)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        port = await self._stack.enter_async_context(_serving(_app(exchange)))
        self._plan = Plan(port, ONE.requests(1, PATH), self._scene.count, self._connections, 202)

    async def run(self, count: int) -> float:
        self.load = await ask(self._plan)
        return self.load.seconds

    async def check(self, count: int) -> None:
        """Every status was looked at; whoever set the scene looks into the log."""

    async def close(self) -> None:
        await self._stack.aclose()


def _app(exchange: AbstractExchange) -> FastAPI:
    app = FastAPI()

    @app.post(PATH, status_code=202)
    async def publish(event: Event) -> dict[str, int]:
        message = aio_pika.Message(
            event.data.model_dump_json(by_alias=True).encode(),
            content_type="application/json",
            headers={"key": event.key, "time": int(time.time() * 1000), "schema": 1},
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(uuid4()),
            type=TYPE,
        )
        await exchange.publish(message, routing_key=TYPE, mandatory=True)
        return {"accepted": 1}

    return app


class _Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def _serving(app: FastAPI) -> AsyncIterator[int]:
    server = _Server(
        uvicorn.Config(app, port=0, lifespan="off", access_log=False, log_config=None, server_header=False)
    )
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving
