"""Warren: the HTTP edge as it is served: tokens, rate limits, checks of bodies, a line of log for each request."""

import random
import time
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Protocol

from agents.auth.accounts import Accounts
from agents.auth.database import open_database
from agents.auth.events import Profile
from agents.auth.passwords import Passwords
from agents.auth.schema import migrate
from agents.auth.users import NewUser
from agents.orders.tables import app as orders
from api.app import create_app
from api.declared import tables_of
from api.edge import Edge
from api.gateway import Gateway
from api.server import serve
from benchmarks.clients import ask
from benchmarks.load import Load, Plan
from benchmarks.orders import EXCHANGE, TYPE
from benchmarks.scene import PUBLISHED, Scene
from benchmarks.subjects.warren_order import OrderCreated
from streams import Publisher, Views
from streams.rabbitmq import RabbitMQ
from topology.spec import Binding, Exchange, Log, Service, Topology
from warren import logs

GATEWAY = "gateway"


class Asking(Protocol):
    """What the clients of a trial do."""

    role: str
    """Of whoever does it."""
    status: int
    """Of every answer."""

    async def views(self, scene: Scene, stack: AsyncExitStack) -> Views:
        """What there is to read, for as long as the stack lasts."""

    def requests(self, count: int, token: str) -> tuple[list[bytes], int]:
        """Requests to be sent by turns, and how many make `count`."""


class WarrenEdge:
    """The server is this process; the clients are in another."""

    load: Load

    def __init__(self, scene: Scene, connections: int, asking: Asking) -> None:
        self._scene = scene
        self._connections = connections
        self._asking = asking
        self._broker = RabbitMQ(scene.amqp, scene.stream)
        self._stack = AsyncExitStack()
        self._plan: Plan

    async def prepare(self) -> None:
        logs.configure("info", "json")
        self._stack.push_async_callback(self._broker.close)
        await self._broker.open()
        accounts = await self._accounts()
        await accounts.register(NewUser("load@shop.example", "a long password", Profile(), [self._asking.role]))
        token = (await accounts.login("load@shop.example", "a long password")).access_token
        edge = self._edge(accounts, await self._asking.views(self._scene, self._stack))
        port = await self._stack.enter_async_context(serve(create_app(edge), "127.0.0.1", 0))
        requests, number = self._asking.requests(self._scene.count, token)
        self._plan = Plan(port, requests, number, self._connections, self._asking.status)

    async def _accounts(self) -> Accounts:
        database = open_database("memory:")
        await migrate(database)
        accounts = Accounts(database, Passwords(), now=_now, chance=random.SystemRandom())
        self._stack.push_async_callback(accounts.close)
        return accounts

    def _edge(self, accounts: Accounts, views: Views) -> Edge:
        ids, topology = random.SystemRandom(), _topology(self._scene.source or PUBLISHED)
        return Edge(
            broker=self._broker,
            publisher=Publisher(self._broker, topology, service=GATEWAY, now=_now, ids=ids),
            views=views,
            topology=topology,
            now=_now,
            ids=ids,
            health=self._broker.health,
            status=list,
            tables=tables_of([orders]),
            records={TYPE: (OrderCreated,)},
            opened_accounts=accounts,
            patience=60.0,
            auth_required=True,
            gateway=Gateway(requests_per_minute=10_000_000, trusted_proxies=(ip_network("10.0.0.0/8"),)),
        )

    async def run(self, count: int) -> float:
        self.load = await ask(self._plan)
        return self.load.seconds

    async def check(self, count: int) -> None:
        """Every status was looked at; whoever set the scene looks into the log."""

    async def close(self) -> None:
        await self._stack.aclose()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _topology(source: str) -> Topology:
    """As the stage has declared it."""
    bindings = (Binding(EXCHANGE, TYPE),)
    opened = {EXCHANGE: (TYPE,)}
    service = Service(
        GATEWAY, exchanges=(Exchange(EXCHANGE),), publishes=opened, http=opened, logs=(Log(source, bindings),)
    )
    return Topology((service,))
