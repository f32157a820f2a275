"""`python -m tests.prove.worker CONFIGURATION`: a worker of the subject as a process, with a trap in its way.

It writes JSON lines to stdout: `worker` with its id when it has begun, `reached` with the point where the trap is about
to spring, and every second `sizes` of all that it holds and `states` of its agents.
"""

import asyncio
import gc
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import structlog
import uvloop

from stores.errors import StoreUnavailable
from streams import Worker
from streams.status import Status
from tests.prove.spring import Spring, Way
from tests.prove.subject import SERVICE, subject, topology
from tests.prove.trapped_broker import TrappedBroker
from tests.prove.trapped_store import TrappedStore
from tests.servers.address import RabbitMQ as Address

LEASE: Final = 1.0
"""Seconds, of all workers of the proofs."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Configuration(msgspec.Struct, kw_only=True):
    """Where the worker works, and where the trap is."""

    amqp: str
    stream: str
    management: str
    postgres: str
    schema: str
    lease: float = LEASE
    point: str = ""
    way: Way = "kill"
    nth: int = 1


def tell(**what: object) -> None:
    """Written when it returns: the process may be killed next."""
    os.write(1, msgspec.json.encode(what) + b"\n")


async def run(configuration: Configuration) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    spring = Spring(lambda point: tell(reached=point), configuration.point, configuration.way, configuration.nth)
    store = TrappedStore(configuration.postgres, configuration.schema, configuration.lease, spring)
    broker = TrappedBroker(Address(configuration.amqp, configuration.stream, configuration.management), spring)
    worker = Worker(
        [subject(spring)],
        broker=broker,
        stores={SERVICE: store},
        topology=topology(),
        now=lambda: time.time_ns() // 1_000_000,
        ids=random.SystemRandom(),
        lease=configuration.lease,
    )
    await opened(store)
    await worker.start()
    tell(worker=worker.id)
    while not stop.is_set():
        status = worker.status()
        tell(sizes=sizes([each for each in status if each.owner == worker.id]), states=states(status))
        try:
            await asyncio.wait_for(stop.wait(), 1.0)
        except TimeoutError:
            continue
    await worker.stop()
    await broker.close()
    await store.close()


async def opened(store: TrappedStore) -> None:
    """Try until the database answers, as whoever watches over a service starts it again."""
    while True:
        try:
            await store.open()
        except StoreUnavailable:
            await asyncio.sleep(0.2)
        else:
            return


def sizes(status: list[Status]) -> Mapping[str, int]:
    """Of everything that lives long."""
    return {
        "rows": sum(each.rows for each in status),
        "ids": sum(each.ids for each in status),
        "numbers": sum(each.numbers for each in status),
        "handled": sum(each.handled for each in status),
        "tasks": len(asyncio.all_tasks()),
        "objects": sum(gc.get_count()) + len(gc.get_objects()),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "resident_kib": int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE // 1024,
    }


def states(status: list[Status]) -> Mapping[str, str]:
    """Agent -> what it does, and why."""
    return {each.agent: f"{each.state} {each.position} {each.reason} {each.troubles or ''}" for each in status}


def main() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    uvloop.run(run(msgspec.json.decode(sys.argv[1], type=Configuration)))


if __name__ == "__main__":
    main()
