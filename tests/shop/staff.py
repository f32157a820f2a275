"""The shop's workers as people run them: several processes, each behind a network of its own."""

import asyncio
import signal
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.prove.network import Network, network
from tests.replay.command import neutral
from tests.servers.address import RabbitMQ as Address
from tests.servers.guard import Guard

CREWS: Final[Mapping[str, Sequence[str]]] = {
    "orders": ("orders",),
    "inventory": ("inventory",),
    "payments": ("payments",),
    "others": ("notifications", "analytics", "auth"),
}
"""Who works in one process: what is struck together."""
SERVICES: Final = tuple(service for crew in CREWS.values() for service in crew)
LEASE: Final = 2
"""Seconds until a killed worker's partitions are free."""
PATIENCE: Final = 60.0
AGAIN: Final = 0.5
"""Seconds until a worker that has ended is started again."""
SEAL_KEY: Final = b64encode(bytes(range(32))).decode()
WARREN: Final = str(Path(sys.executable).with_name("warren"))


@dataclass(slots=True)
class Desk:
    """Where one crew works."""

    net: Network
    worker: asyncio.subprocess.Process | None = None
    errors: bytes = b""
    watching: asyncio.Task[None] | None = None
    wanted: bool = False


class Staff:
    """Starts workers; leaving the context kills them."""

    def __init__(self, guard: Guard, rabbitmq: Address, postgres: str, data: Path, settings: Mapping[str, str]) -> None:
        """`settings` are more of the environment that workers get."""
        self._guard = guard
        self._rabbitmq = rabbitmq
        self._postgres = postgres
        self._data = data
        self._settings = settings
        self._desks: dict[str, Desk] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for crew in CREWS:
            net = await self._stack.enter_async_context(network(self._rabbitmq, self._postgres))
            self._desks[crew] = Desk(net)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for crew, desk in self._desks.items():
            if desk.watching is not None:
                await self.kill(crew)
        await self._stack.aclose()

    async def prepare(self) -> None:
        """Topology and tables."""
        for command in (("topology", "apply"), ("stores", "apply")):
            process = await self._process(*command, rabbitmq=self._rabbitmq, postgres=self._postgres)
            output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
            assert process.returncode == 0, (output + errors).decode()

    async def start(self, crew: str) -> None:
        """Have it worked at, until it is killed: a worker that ends by itself is started again, as servers are away
        now and then."""
        desk = self._desks[crew]
        desk.wanted = True
        desk.worker = await self._worker(crew)
        desk.watching = asyncio.create_task(self._watch(crew))

    async def _watch(self, crew: str) -> None:
        desk = self._desks[crew]
        while desk.worker is not None:
            await _keep_errors(desk, desk.worker)
            await desk.worker.wait()
            self._guard.forget_process(desk.worker.pid, signal.SIGKILL)
            await asyncio.sleep(AGAIN if desk.wanted else 0)
            desk.worker = await self._worker(crew) if desk.wanted else None

    async def _worker(self, crew: str) -> asyncio.subprocess.Process:
        net = self._desks[crew].net
        rabbitmq, postgres = net.rabbitmq(self._rabbitmq), net.postgres(self._postgres)
        worker = await self._process("worker", *CREWS[crew], rabbitmq=rabbitmq, postgres=postgres)
        self._guard.watch_process(worker.pid, signal.SIGKILL)
        return worker

    async def _process(self, *arguments: str, rabbitmq: Address, postgres: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(WARREN, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={
                **neutral(),
                "WARREN_BROKER": f"{rabbitmq.amqp}?heartbeat=1",
                "WARREN_STREAM": rabbitmq.stream,
                "WARREN_MANAGEMENT": rabbitmq.management,
                "WARREN_STORE": postgres,
                "WARREN_LEASE": str(LEASE),
                "WARREN_DATA": str(self._data),
                "WARREN_SEAL_KEYS": SEAL_KEY,
                "WARREN_LOG_LEVEL": "warning",
                **self._settings,
            },
        )

    # --- strikes ---

    async def kill(self, crew: str) -> None:
        """SIGKILL."""
        desk = self._desks[crew]
        desk.wanted = False
        assert desk.watching is not None
        while not desk.watching.done():  # it may be starting one just now
            if desk.worker is not None:
                with suppress(ProcessLookupError):
                    desk.worker.send_signal(signal.SIGKILL)
            await asyncio.wait((desk.watching,), timeout=0.2)

    async def revive(self, crew: str) -> None:
        """SIGKILL, and started again at once."""
        await self.kill(crew)
        await self.start(crew)

    async def freeze(self, crew: str) -> None:
        """SIGSTOP, longer than its lease, while another one takes over; then it wakes up."""
        sleeper = self._desks[crew].worker
        if sleeper is None:
            return
        with suppress(ProcessLookupError):
            sleeper.send_signal(signal.SIGSTOP)
            await asyncio.sleep(LEASE + 1)
            sleeper.send_signal(signal.SIGCONT)

    async def cut(self, crew: str) -> None:
        """All its connections, and every new one for a moment."""
        await self._desks[crew].net.outage(0.5)

    async def delay(self, crew: str) -> None:
        """Servers' answers reach it late."""
        await self._desks[crew].net.standstill(1.0)

    def report(self) -> str:
        """What workers have written."""
        return "\n".join(f"--- {crew}\n{desk.errors[-3000:].decode()}" for crew, desk in self._desks.items())


async def _keep_errors(desk: Desk, worker: asyncio.subprocess.Process) -> None:
    assert worker.stderr is not None
    async for line in worker.stderr:
        desk.errors = (desk.errors + line)[-20_000:]
