"""Running a process: agents, edge, or both, until a signal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop
from fastapi import APIRouter
from starlette.types import ASGIApp

from agents.auth.relay import Relay
from agents.notifications.watch import Watch
from agents.payments.seal import seal
from agents.registry import AGENTS
from api.app import create_app
from api.endpoints import ROUTERS
from api.middleware.tracing import Tracing
from api.server import Certificate, serve
from streams.status import Status
from warren.edge import cached_views, edge_of, shared_windows
from warren.errors import OutdatedTopology, SettingsError
from warren.garbage import fit_collector
from warren.sealing import seal_keys
from warren.settings import Settings
from warren.signals import stop_on_signals
from warren.split import open_upstreams, takes_orders
from warren.system import System, open_system

Prepare = Callable[[System], Awaitable[None]]
Announce = Callable[[str], None]
"""Told the address once the process serves."""
PAYMENTS = "payments"
"""The service that opens the seals of payment tokens; who takes orders closes them."""
RELAY_GRACE = 10.0
"""Seconds that events under way have at stop; what is not confirmed by then is published at the next start."""


def run_until_signal(
    settings: Settings,
    announce: Announce,
    *,
    services: Iterable[str] = AGENTS,
    agents: bool = True,
    address: tuple[str, int] | None = None,
    routers: Iterable[APIRouter] = ROUTERS,
    part: str | None = None,
) -> None:
    """Run these services' agents (if `agents`), and serve these endpoints (if there is an address), until SIGINT or
    SIGTERM. A `part` of a split edge serves its gateway alone.

    Raises OutdatedTopology where its agents have left a service to others for that.
    """

    async def run() -> None:
        stop, outdated = stop_on_signals(), asyncio.Event()
        async with running(
            settings, services=services, agents=agents, address=address, routers=routers, part=part, outdated=outdated
        ) as url:
            announce(url)
            await either(stop, outdated)
        if not stop.is_set():
            raise OutdatedTopology

    uvloop.run(run())


async def either(one: asyncio.Event, other: asyncio.Event) -> None:
    """Wait until one of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in (one, other)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    services: Iterable[str] = AGENTS,
    agents: bool = True,
    address: tuple[str, int] | None = None,
    routers: Iterable[APIRouter] = ROUTERS,
    part: str | None = None,
    prepare: Prepare | None = None,
    outdated: asyncio.Event | None = None,
) -> AsyncIterator[str]:
    """As `run_until_signal`, for as long as the context lasts. Gives the address bound, "" where there is none.
    `prepare` is done when the agents are at work, before anything is served. For `outdated` see Worker.

    Leaving stops in order: no new requests, then batches finished and committed, then connections closed.
    """
    chosen, served = list(services), tuple(routers)
    fit_collector()
    async with AsyncExitStack() as stack:
        if (agents and PAYMENTS in chosen) or (address is not None and takes_orders(settings, served)):
            stack.enter_context(seal.keyed(seal_keys(settings)))
        system = await stack.enter_async_context(open_system(settings, chosen))
        status: Callable[[], list[Status]] = list
        if agents:
            status = await _work(system, chosen, stack, outdated)
        if prepare is not None:
            await prepare(system)
        if address is None:
            yield ""
        else:
            shared = await stack.enter_async_context(shared_windows(settings))
            upstreams = await stack.enter_async_context(open_upstreams(settings))
            views = await stack.enter_async_context(cached_views(settings, system))
            edge = edge_of(system, status, shared, views, upstreams, part)
            app = traced(create_app(edge, served), system)
            yield await _serve(app, settings, address, stack)


async def _work(
    system: System, services: Iterable[str], stack: AsyncExitStack, outdated: asyncio.Event | None
) -> Callable[[], list[Status]]:
    """Run these services' agents, what relays the events of accounts and what looks after the ways out, for as long as
    the stack lasts. Gives what tells how they do."""
    worker = system.worker(services, outdated)
    await worker.start()
    stack.push_async_callback(worker.stop)
    relays = await _beside(system.relays(), stack, RELAY_GRACE)
    watches = await _beside(system.watches(), stack, 0)
    return lambda: [*worker.status(), *relays, *watches]


async def _beside(companions: Sequence[Relay | Watch], stack: AsyncExitStack, grace: float) -> list[Status]:
    """Run these for as long as the stack lasts; `grace` are the seconds that they have to end. Gives how they do."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(companion.run(stop)) for companion in companions]

    async def end() -> None:
        stop.set()
        await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    if tasks:
        stack.push_async_callback(end)
    return [companion.status for companion in companions]


def traced(app: ASGIApp, system: System) -> ASGIApp:
    """The application, with a span for each request where anybody wants them."""
    if system.tracer is None:
        return app
    return Tracing(app, system.tracer, system.ids, system.settings.trace_share)


async def _serve(app: ASGIApp, settings: Settings, address: tuple[str, int], stack: AsyncExitStack) -> str:
    host, port = address
    certificate = None
    if settings.http_certificate and settings.http_key:
        certificate = Certificate(settings.http_certificate, settings.http_key)
    try:
        bound = await stack.enter_async_context(serve(app, host, port, certificate=certificate))
    except OSError as error:
        raise SettingsError(
            f"{settings.http_certificate} and {settings.http_key} are no certificate and its key ({error}): see "
            "WARREN_HTTP_CERTIFICATE and WARREN_HTTP_KEY"
        ) from error
    return f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{bound}"
