"""Where a proof takes place: a virtual host, a schema, and a ledger."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg

from stores.postgres import PostgresStore
from tests.prove.spring import Spring
from tests.prove.subject import subject, topology
from tests.prove.verdict import Verdict
from tests.replay.command import neutral
from tests.servers.address import RabbitMQ as Address
from tests.servers.management import create_vhost, delete_vhost
from topology.diff import diff
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply

_CHECK_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Place:
    """Prepared for the subject."""

    rabbitmq: Address
    postgres: str
    schema: str
    ledger: Path

    async def counted(self) -> tuple[int, ...]:
        """How many entries `count` and `tally` have counted, how many tellings `settle`, how many letters `keep`."""
        sums = "SELECT coalesce(sum((value ->> 'count')::int), 0)::int"
        parts = [f'{sums} FROM "{self.schema}".{table}' for table in ("sums", "tallies", "settled")]
        parts.append(f'SELECT count(*)::int FROM "{self.schema}".letters')
        database = await asyncpg.connect(self.postgres)
        try:
            row = await database.fetchrow(f"SELECT {', '.join(f'({part})' for part in parts)}")
        finally:
            await database.close()
        assert row is not None
        return tuple(row)

    async def judged(self) -> Verdict:
        """The checker's verdict. Raises AssertionError where the checker fails."""
        checker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.prove.checker",
            self.rabbitmq.amqp,
            self.postgres,
            self.schema,
            str(self.ledger),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=neutral(),
        )
        output, errors = await asyncio.wait_for(checker.communicate(), _CHECK_SECONDS)
        assert output, f"the checker failed:\n{errors.decode()}"
        return Verdict(**json.loads(output))


async def prepare(place: Place) -> None:
    """Topology and tables."""
    async with Management(place.rabbitmq.management) as management:
        plan = diff(topology(), await observe(management, place.rabbitmq.vhost))
        await apply(management, place.rabbitmq.vhost, plan.steps)
    store = PostgresStore(place.postgres, place.schema)
    await store.open()
    await store.apply(subject(Spring(lambda point: None)).specs())
    await store.close()


@asynccontextmanager
async def place_on(rabbitmq: Address, postgres: str, directory: Path) -> AsyncIterator[Place]:
    """A place on shared servers, removed afterwards."""
    name = f"prove_{uuid4().hex}"
    place = Place(rabbitmq.at(name), postgres, name, directory / f"{name}.ledger")
    await asyncio.to_thread(create_vhost, place.rabbitmq)
    try:
        await prepare(place)
        yield place
    finally:
        await asyncio.to_thread(delete_vhost, place.rabbitmq)
        database = await asyncpg.connect(postgres)
        await database.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
        await database.close()
