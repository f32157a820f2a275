"""Warren: the HTTP edge as it is served: tokens, rate limits, checks of bodies, a line of log for each request."""

import random
import time
from contextlib import AsyncExitStack
from ipaddress import ip_network
from math import gcd

from agents.auth.accounts import Accounts
from agents.auth.database import open_database
from agents.auth.events import Profile
from agents.auth.passwords import Passwords
from agents.auth.schema import migrate
from agents.auth.users import NewUser
from api.app import create_app
from api.edge import Edge
from api.gateway import Gateway
from api.server import serve
from benchmarks.clients import ask
from benchmarks.load import Load, Plan
from benchmarks.orders import EXCHANGE, TYPE
from benchmarks.publishing import ARRAY, LINES, ONE, Publishing
from benchmarks.scene import Scene
from benchmarks.subjects.warren_order import OrderCreated
from streams import Publisher, Views
from streams.rabbitmq import RabbitMQ
from topology.spec import Binding, Exchange, Log, Service, Topology
from warren import logs

PUBLISH = f"/api/events/{EXCHANGE}/{TYPE}"
GATEWAY = "gateway"


def single(scene: Scene, connections: int) -> "WarrenEdge":
    """One event a request."""
    return WarrenEdge(scene, connections, ONE)


def lines(scene: Scene, connections: int) -> "WarrenEdge":
    """Many, as NDJSON."""
    return WarrenEdge(scene, connections, LINES)


def array(scene: Scene, connections: int) -> "WarrenEdge":
    """Many, as a JSON array."""
    return WarrenEdge(scene, connections, ARRAY)


class WarrenEdge:
    """The server is this process; the clients are in another."""

    load: Load

    def __init__(self, scene: Scene, connections: int, publishing: Publishing) -> None:
        self._scene = scene
        self._connections = connections
        self._publishing = publishing
        self._broker = RabbitMQ(scene.amqp, scene.stream)
        self._stack = AsyncExitStack()
        self._plan: Plan

    async def prepare(self) -> None:
        logs.configure("info", "json")
        self._stack.push_async_callback(self._broker.close)
        await self._broker.open()
        accounts = await self._accounts()
        await accounts.register(NewUser("events@shop.example", "a long password", Profile(), ["service"]))
        token = (await accounts.login("events@shop.example", "a long password")).access_token
        port = await self._stack.enter_async_context(serve(create_app(self._edge(accounts)), "127.0.0.1", 0))
        self._plan = self._planned(port, token)

    def _planned(self, port: int, token: str) -> Plan:
        count = self._scene.count
        each = gcd(count, self._publishing.most)
        requests = self._publishing.requests(each, PUBLISH, Authorization=f"Bearer {token}")
        return Plan(port, requests, count // each, self._connections, 202)

    async def _accounts(self) -> Accounts:
        database = open_database("memory:")
        await migrate(database)
        accounts = Accounts(database, Passwords(), now=_now, chance=random.SystemRandom())
        self._stack.push_async_callback(accounts.close)
        return accounts

    def _edge(self, accounts: Accounts) -> Edge:
        ids, topology = random.SystemRandom(), _topology(self._scene.source)
        return Edge(
            broker=self._broker,
            publisher=Publisher(self._broker, topology, service=GATEWAY, now=_now, ids=ids),
            views=Views({}),
            topology=topology,
            now=_now,
            ids=ids,
            health=self._broker.health,
            status=list,
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
