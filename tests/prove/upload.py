"""`python -m tests.prove.upload`: a gigabyte of NDJSON goes through the edge, which stays as large as it is."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import httpx
import orjson

from streams.rabbitmq import RabbitMQ
from tests.prove.edge import EVENTS, EdgeProcess, edge, held, ids, own_place, prepared
from tests.servers.address import RabbitMQ as Address

MB: Final = 1_000_000
EVENT: Final = 4_000
"""Bytes of a line."""
CHUNK: Final = 16
"""Lines that are given to the connection at once."""
WARM: Final = 5 * MB
"""Bytes after which everything that a process makes once is made."""
MOST_GROWTH: Final = 12 * MB
"""Of the edge, from then on, whatever it is sent."""
MOST_AHEAD: Final = 16 * MB
"""Bytes that are sent and not in the log yet: in sockets, in the groups that are read, on their way to RabbitMQ."""


@dataclass(slots=True)
class Upload:
    """What was seen."""

    sent: int = 0
    """Bytes."""
    growth: int = 0
    ahead: int = 0
    """The most bytes."""
    seconds: float = 0.0
    accepted: int = 0
    found: int = 0
    """Events in the log, each counted once."""
    repeats: int = 0
    """What stands there again, under the same id: sent anew because no confirm had come."""

    def told(self) -> str:
        """In a line."""
        return (
            f"{self.sent / MB:,.0f} MB in {self.seconds:.0f} s ({self.sent / MB / self.seconds:.1f} MB/s, "
            f"{self.accepted / self.seconds:,.0f} events/s): the edge grew by {self.growth / MB:.1f} MB, "
            f"and was sent {self.ahead / MB:.1f} MB at the most before they were in the log; "
            f"{self.accepted:,} events accepted, {self.found:,} in the log, {self.repeats} of them again"
        )

    def wrong(self) -> list[str]:
        """What should not be."""
        faults = {
            f"the edge grew by more than {MOST_GROWTH / MB:.0f} MB": self.growth > MOST_GROWTH,
            f"more than {MOST_AHEAD / MB:.0f} MB were sent ahead of the log": self.ahead > MOST_AHEAD,
            "accepted events are not in the log": self.accepted != self.found,
            "not every event was accepted": self.accepted * EVENT != self.sent,
        }
        return [fault for fault, there in faults.items() if there]


async def run(address: Address, data: Path, size: int) -> Upload:
    """Send so many bytes to an edge on this virtual host."""
    upload = Upload()
    async with prepared(address) as broker:
        with edge(address, data) as process:
            async with httpx.AsyncClient(base_url=process.url, timeout=120) as client:
                began = time.monotonic()
                lines = _lines(upload, size, process, broker)
                answer = await client.post(EVENTS, content=lines, headers={"Content-Type": "application/x-ndjson"})
                upload.seconds = time.monotonic() - began
        assert answer.status_code == 202, answer.text
        upload.accepted = answer.json()["accepted"]
        found = await ids(broker)
        upload.found = len({*found})
        upload.repeats = len(found) - upload.found
    return upload


async def _lines(upload: Upload, size: int, process: EdgeProcess, broker: RabbitMQ) -> AsyncIterator[bytes]:
    """Lines up to so many bytes; looks at the edge and at the log every now and then."""
    before, looked = 0, 0
    while upload.sent < size:
        chunk = b"".join(_line(upload.sent // EVENT + number) for number in range(CHUNK))
        yield chunk
        upload.sent += len(chunk)
        if upload.sent - looked > max(MB, size // 100):
            looked = upload.sent
            upload.ahead = max(upload.ahead, upload.sent - await held(broker) * EVENT)
            if upload.sent > WARM:
                before = before or process.most_resident()
                upload.growth = process.most_resident() - before


def _line(number: int) -> bytes:
    line = orjson.dumps({"data": {"sessionId": f"s-{number}", "page": ""}})
    return line[:-3] + b"x" * (EVENT - len(line) - 1) + line[-3:] + b"\n"


@click.command()
@click.option("--mb", default=1_000, help="Megabytes.")
def main(mb: int) -> None:
    """Send an upload without end, nearly, and watch the edge's memory."""
    with own_place() as (address, data):
        upload = asyncio.run(run(address, data, mb * MB))
    click.echo(upload.told())
    if wrong := upload.wrong():
        raise click.ClickException("; ".join(wrong))


if __name__ == "__main__":
    main()
