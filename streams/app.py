"""Apps: what one service declares."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from stores.port import TableSpec
from streams.agent import Agent, Body
from streams.documents import Documents
from streams.errors import DeclarationError
from streams.keys import Key
from streams.stream import Stream
from streams.table import KeysOf, Table
from streams.topic import A_DAY, Topic

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Timer:
    """A function that the worker calls again and again: outside every batch, with no state of its own."""

    name: str
    interval: float
    function: Callable[[], Awaitable[None]]


class App:
    """One service: its topics, agents, tables and documents. Declares; runs nothing (a Worker does)."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.agents: dict[str, Agent] = {}
        self.tables: dict[str, Table[Any]] = {}
        self.collections: dict[str, Documents[Any]] = {}
        self.topics: list[Topic[Any]] = []
        self.timers: list[Timer] = []

    def __repr__(self) -> str:
        return f"App({self.id!r})"

    def topic(
        self,
        *names: str,
        value_type: object,
        key: Callable[[Any], Key] | None = None,
        time: Callable[[Any], datetime] | None = None,
        dedupe: timedelta | None = A_DAY,
    ) -> Topic[Any]:
        """A topic; see Topic. Several names: queues only."""
        if not names:
            raise DeclarationError("a topic needs a name")
        topic: Topic[Any] = Topic(names, value_type=value_type, key=key, time=time, dedupe=dedupe)
        self.topics.append(topic)
        return topic

    def agent(
        self,
        topic: Topic[Any],
        *,
        name: str | None = None,
        concurrency: int = 1,
        sink: tuple[Topic[Any], ...] = (),
        prefetch: int = 200,
        tables: tuple[Table[Any], ...] | None = None,
    ) -> Callable[[Callable[[Stream[T]], Awaitable[None] | AsyncIterator[Any]]], Agent]:
        """Declare the function below as an agent on a topic.

        `concurrency` and `prefetch` are for queue agents; `tables` says which tables are a log agent's own where its
        app has several log agents.
        """
        own = None if tables is None else tuple(table.name for table in tables)

        def declare(body: Body) -> Agent:
            agent = Agent(self.id, name or body.__name__, body, topic, concurrency, sink, prefetch, own)
            if agent.name in self.agents:
                raise DeclarationError(f"{self.id} has two agents named {agent.name!r}: give one of them name=")
            self.agents[agent.name] = agent
            return agent

        return declare

    def Table(
        self,
        name: str,
        *,
        default: Callable[[], V] | None = None,
        value_type: type[V] | None = None,
        index: tuple[str, ...] = (),
        resident: bool = True,
        keys: KeysOf | None = None,
        merge: Callable[[Any, Any], Any] | None = None,
        watched: bool = False,
    ) -> Table[V]:
        """A table; see Table. It belongs to the one log agent that uses it."""
        self._name_is_free(name)
        table: Table[V] = Table(
            name,
            default=default,
            value_type=value_type,
            index=index,
            resident=resident,
            keys=keys,
            merge=merge,
            watched=watched,
        )
        self.tables[name] = table
        return table

    def documents(self, name: str, value_type: type[V], *, index: tuple[str, ...] = ()) -> Documents[V]:
        """A collection of documents; see Documents."""
        self._name_is_free(name)
        documents = Documents(name, value_type, index=index)
        self.collections[name] = documents
        return documents

    def timer(self, interval: timedelta) -> Callable[[Callable[[], Awaitable[None]]], Callable[[], Awaitable[None]]]:
        """Call the function below every `interval`, while a worker runs; a failure is logged and stops nothing."""

        def declare(function: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
            self.timers.append(Timer(function.__name__, interval.total_seconds(), function))
            return function

        return declare

    def specs(self) -> list[TableSpec]:
        """The tables and documents as a store makes them."""
        return [t.spec for t in self.tables.values()] + [d.spec for d in self.collections.values()]

    def _name_is_free(self, name: str) -> None:
        if name in self.tables or name in self.collections:
            raise DeclarationError(f"{self.id} declares {name!r} twice")
