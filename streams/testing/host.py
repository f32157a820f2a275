"""A worker in a simulated process, and machines on which one after another lives and dies."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import Any

from stores.port import Store
from streams.app import App
from streams.embedded import Embedded
from streams.limits import Limits
from streams.status import Status
from streams.testing.process import Process
from streams.testing.remote_broker import RemoteBroker
from streams.testing.remote_store import RemoteStore
from streams.testing.trace import Trace
from streams.testing.wire import Network, Wire
from streams.worker import Worker
from topology.spec import Topology

LEASES = (3.0, 6.0, 10.0)
LIMITS = (Limits(events=1), Limits(events=3, bytes=1_500), Limits(events=7), Limits(bytes=4_000), Limits())
SKEWS = (0, 0, -20_000, 15_000)
"""Milliseconds by which a machine's clock is wrong."""
NOTICE = (0.0, 0.05, 3.0)
"""Seconds after which the broker notices that a client is gone."""
FATES = ("killed", "killed", "killed", "stalled", "stalled", "stopped", "spared")
STALLS = (0.05, 0.5, 4.0, 15.0)


class Site:
    """What all machines of a simulation share."""

    def __init__(
        self,
        apps: Callable[[], Sequence[App]],
        topology: Topology,
        *,
        server: Embedded,
        stores: Mapping[str, Store],
        network: Network,
        now: Callable[[], int],
        random: Random,
    ) -> None:
        self.server = server
        self.network = network
        self.random = random
        self.calm = asyncio.Event()
        """Set when nothing goes wrong any more."""
        self.kills = self.stalls = 0
        self.graves: list[Host] = []
        self._apps = apps
        self._topology = topology
        self._stores = stores
        self._now = now
        self._lease = random.choice(LEASES)
        self._limits = random.choice(LIMITS)

    @property
    def trace(self) -> Trace:
        """The simulation's trace."""
        return self.network.trace

    def boot(self, name: str, skew: int) -> "Host":
        """Start a worker in a process of its own."""
        process = Process(name)
        wire = Wire(process, self.network)
        apps = self._apps()
        broker = RemoteBroker(self.server.connect(apps[0].id), wire)
        worker = Worker(
            apps,
            broker=broker,
            stores={app.id: RemoteStore(self._stores[app.id], wire) for app in apps},
            topology=self._topology,
            now=lambda: self._now() + skew,
            ids=Random(f"{name} {self.random.random()}"),
            lease=self._lease,
            limits=self._limits,
        )
        self.trace.note(name, "starts as", worker.id)
        _ = process.spawn(worker.start())
        return Host(process, wire, broker, worker, self)

    async def bury(self) -> None:
        """Unwind what was killed."""
        for host in self.graves:
            await host.process.bury()

    async def unless_calm(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this; leave it when the weather calms down."""
        task, calm = asyncio.create_task(work), asyncio.create_task(self.calm.wait())
        await asyncio.wait((task, calm), return_when=asyncio.FIRST_COMPLETED)
        for waiting in (task, calm):
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


class Host:
    """A worker and its process."""

    def __init__(self, process: Process, wire: Wire, broker: RemoteBroker, worker: Worker, site: Site) -> None:
        self.process = process
        self.struck = asyncio.Event()
        """Set when fate has struck."""
        self._wire = wire
        self._broker = broker
        self._worker = worker
        self._site = site

    @property
    def alive(self) -> bool:
        return self.process.state in {"running", "stopped"}

    def status(self) -> list[Status]:
        """How its agents do."""
        return self._worker.status()

    def kill(self) -> None:
        """SIGKILL. The broker notices after a while."""
        self._site.kills += 1
        self._site.trace.note(self.process.name, "KILLED at step", self.process.steps)
        self.process.kill()
        self._wire.cut()
        self._site.graves.append(self)
        self._wire.tell(self._vanish(self._site.random.choice(NOTICE)))
        self.struck.set()

    async def _vanish(self, after: float) -> None:
        await asyncio.sleep(after)
        await self._broker.close()

    def stall(self) -> None:
        """SIGSTOP."""
        self._site.stalls += 1
        self._site.trace.note(self.process.name, "STOPPED at step", self.process.steps)
        self.process.stop()
        self.struck.set()

    def wake(self) -> None:
        """SIGCONT."""
        self._site.trace.note(self.process.name, "goes on")
        self.process.wake()

    async def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._site.trace.note(self.process.name, "is told to stop")
        await self.process.spawn(self._worker.stop())
        await self._broker.close()
        self._site.trace.note(self.process.name, "has ended")
        self.process.state = "buried"


class Machine:
    """Runs one worker after another, each with a fate, and leaves one running when the weather calms down."""

    def __init__(self, name: str, site: Site) -> None:
        self._name = name
        self._site = site
        self._boots = 0
        self._skew = site.random.choice(SKEWS)
        self.host: Host

    async def run(self) -> None:
        """Until the weather is calm."""
        random = self._site.random
        while True:
            self.boot()
            if self._site.calm.is_set():
                return
            await self._live(random.choice(FATES))
            if self._site.calm.is_set() and self.host.alive:
                return
            await self._site.unless_calm(asyncio.sleep(random.choice((0.0, 0.3, 2.0))))

    def boot(self) -> None:
        """Start a worker."""
        self._boots += 1
        self.host = self._site.boot(f"{self._name}.{self._boots}", self._skew)

    async def _live(self, fate: str) -> None:
        host, site, random = self.host, self._site, self._site.random
        steps = round(10 ** random.uniform(0.3, 3.3))
        match fate:
            case "killed":
                host.process.strike(steps, host.kill)
                await site.unless_calm(host.struck.wait())
            case "stalled":
                host.process.strike(steps, host.stall)
                await site.unless_calm(host.struck.wait())
                await self._sleep_through(random.choice(STALLS))
            case "stopped":
                await site.unless_calm(asyncio.sleep(random.choice((0.1, 1.0, 8.0))))
                await host.stop()
            case _:
                await site.calm.wait()
        host.process.spare()

    async def _sleep_through(self, seconds: float) -> None:
        """The worker sleeps; others take over; it wakes up and goes on with what it was about, until it is killed."""
        host, site = self.host, self._site
        await site.unless_calm(asyncio.sleep(seconds))
        if host.process.state == "stopped":
            host.wake()
        host.struck.clear()
        host.process.strike(site.random.randint(1, 1_000), host.kill)
        await site.unless_calm(host.struck.wait())
