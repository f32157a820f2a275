"""Whether this process can serve, and what is amiss."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from api.bodies import Body
from api.edge import Edge
from api.problems import Problem
from stores.errors import StoreError
from streams.broker import Health
from streams.status import Status

ASK = 2.0
"""Seconds that a store has to answer, at most."""


class AgentBody(Body):
    """One agent of this process, on one partition or set of queues."""

    service: str
    agent: str
    partition: int
    source: str
    owner: str
    state: str
    reason: str
    handled: int
    repeats: int
    dead: int
    position: int


class Readiness(Body):
    """`degraded` are sentences: what does not work, each with what to do about it."""

    status: Literal["ok", "degraded"]
    degraded: list[str]
    agents: list[AgentBody]


async def readiness(edge: Edge) -> tuple[Readiness, bool]:
    """How things are, and whether anything can be served: the broker takes writes, or a store answers reads."""
    stores, parts = await asyncio.gather(_asked(edge), _of_parts(edge))
    health, statuses = edge.health(), edge.status()
    degraded = [*_of_broker(health), *filter(None, stores), *parts, *_of_agents(statuses)]
    report = Readiness(
        status="degraded" if degraded else "ok",
        degraded=degraded,
        agents=[AgentBody.model_validate(status) for status in statuses],
    )
    return report, health.state not in {"down", "blocked"} or "" in stores


async def _asked(edge: Edge) -> list[str]:
    """For each service whose store is read here: its trouble, or ""."""
    some = {service: name for name, (service, _) in {**edge.documents, **edge.tables}.items() if edge.reads(service)}
    return await asyncio.gather(*(_ask(edge, service, name) for service, name in sorted(some.items())))


async def _ask(edge: Edge, service: str, table: str) -> str:
    patience = min(ASK, edge.patience)
    try:
        async with asyncio.timeout(patience):
            await edge.store(service).get(table, ["readyz"])
    except TimeoutError:
        return f"the store of {service} has not answered for {patience} s: see how it does"
    except (StoreError, Problem) as error:
        return f"the store of {service}: {error.detail if isinstance(error, Problem) else error}"
    return ""


async def _of_parts(edge: Edge) -> list[str]:
    """Of a gateway: whom it hands requests on to."""
    upstreams = list(dict.fromkeys(edge.gateway.upstreams.values()))
    silent = await asyncio.gather(*(upstream.silent(min(ASK, edge.patience)) for upstream in upstreams))
    return [
        f"the part {upstream.service}: {count} of {len(upstream.processes)} processes do not answer: see how they do"
        for upstream, count in zip(upstreams, silent, strict=True)
        if count
    ]


def _of_broker(health: Health) -> list[str]:
    if health.state in {"idle", "connected"} or health.problems:
        return [f"the broker: {problem}" for problem in health.problems]
    return [f"the broker is {health.state}: see how it does"]


def _of_agents(statuses: Sequence[Status]) -> list[str]:
    degraded: list[str] = []
    for status in statuses:
        name = f"{status.service}/{status.agent}/{status.partition}"
        if status.state in {"paused", "halted"}:
            degraded.append(f"agent {name} is {status.state}: {status.reason}")
        degraded += [f"agent {name}, {part}: {reason}" for part, reason in status.troubles.items()]
    return degraded
