"""`python -m tests.prove.killed_edge`: the edge is killed again and again while clients publish; what it has answered
stands in the log."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import click
import httpx
import orjson

from tests.prove.edge import EVENTS, edge, ids, own_place, prepared
from tests.servers.address import RabbitMQ as Address

ALONE: Final = 16
"""Clients that publish one event at a time."""
TOGETHER: Final = 2
"""Clients that publish many."""
MANY: Final = 300
EACH_LIFE: Final = 2_000
"""Events that are accepted before the edge is killed."""
PATIENCE: Final = 120.0


@dataclass(slots=True)
class Killed:
    """What the clients were answered, and what the log holds."""

    accepted: set[str] = field(default_factory=set)
    unanswered: int = 0
    """Requests that were under way when the edge was killed."""
    wrong: list[str] = field(default_factory=list)
    """Answers that should not be."""
    lost: set[str] = field(default_factory=set)
    """Accepted, and not in the log."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, names: Iterable[str]) -> None:
        """These were accepted."""
        self.accepted.update(names)
        self._changed.set()

    async def reached(self, count: int) -> None:
        """Wait until so many are accepted. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while len(self.accepted) < count:
                self._changed.clear()
                await self._changed.wait()

    def told(self) -> str:
        """In a line."""
        return (
            f"{len(self.accepted):,} events accepted, {self.unanswered} requests cut off; lost {len(self.lost)}, "
            f"wrong answers {len(self.wrong)} {self.wrong[:3]}"
        )


async def run(address: Address, data: Path, kills: int, each_life: int = EACH_LIFE) -> Killed:
    """Kill so many lives of the edge under load, each after so many events."""
    killed = Killed()
    async with prepared(address) as broker:
        for life in range(kills):
            with edge(address, data) as process:
                async with httpx.AsyncClient(base_url=process.url, timeout=PATIENCE) as connections:
                    clients = [
                        asyncio.create_task(_publish(connections, killed, f"{life}-{number}", number))
                        for number in range(ALONE + TOGETHER)
                    ]
                    await killed.reached(len(killed.accepted) + each_life)
                    process.kill()
                    await asyncio.gather(*clients)
        killed.lost = killed.accepted - {*await ids(broker)}
    return killed


async def _publish(connections: httpx.AsyncClient, killed: Killed, name: str, client: int) -> None:
    """Until the edge is gone."""
    each = MANY if client < TOGETHER else 1
    for number in count():
        names = [f"{name}-{number}-{n}" for n in range(each)]
        body = b"\n".join(orjson.dumps({"id": id, "data": {"n": number}}) for id in names)
        media = "application/x-ndjson" if each > 1 else "application/json"
        try:
            answer = await connections.post(EVENTS, content=body, headers={"Content-Type": media})
        except httpx.TransportError:
            killed.unanswered += 1
            return
        if answer.status_code != 202 or answer.json()["accepted"] != each:
            killed.wrong.append(f"{answer.status_code} {answer.text}")
            return
        killed.note(names)


@click.command()
@click.option("--kills", default=20, help="Lives of the edge.")
def main(kills: int) -> None:
    """Publish over HTTP while the edge is killed again and again."""
    with own_place() as (address, data):
        killed = asyncio.run(run(address, data, kills))
    click.echo(killed.told())
    if killed.lost or killed.wrong:
        raise click.ClickException("an event was lost, or answered wrongly")


if __name__ == "__main__":
    main()
