"""What is read ahead is bounded, whatever it is."""

import asyncio
from collections.abc import Collection

from streams.broker import Chunk, Details, Envelope, Lineage
from streams.intake import Intake
from streams.limits import Limits


class EndlessLog:
    """Chunks of a thousand messages without bodies, of which every `nth` is of a type that counts."""

    def __init__(self, nth: int) -> None:
        self.given = 0
        self._nth = nth

    def __aiter__(self) -> "EndlessLog":
        return self

    async def __anext__(self) -> Chunk:
        if self.given == 1_000:
            await asyncio.Event().wait()
        self.given += 1
        return Chunk((self.given - 1) * 1_000, 0, [b""] * 1_000)

    def scan(self, chunk: Chunk, start: int, skip: Collection[str]) -> list[Envelope]:
        offsets = range(chunk.first, chunk.first + 1_000)
        return [Envelope(offset, "t", "", "", b"") for offset in offsets if self._nth and offset % self._nth == 0]

    def fingerprint(self, chunk: Chunk, offset: int) -> bytes:
        return b""

    def details(self, envelope: Envelope) -> Details:
        raise NotImplementedError

    def lineage(self, envelope: Envelope) -> Lineage:
        raise NotImplementedError


async def read_ahead(log: EndlessLog) -> Intake:
    intake = Intake(log, start=0, skip=(), limits=Limits(events=100, bytes=1_000), wake=lambda: None)
    for _ in range(20):
        await asyncio.sleep(0)
    return intake


async def test_messages_without_bodies_have_a_weight() -> None:
    log = EndlessLog(1)
    intake = await read_ahead(log)
    assert log.given <= 3
    await intake.close()


async def test_chunks_of_which_all_is_skipped_are_not_kept() -> None:
    log = EndlessLog(0)
    intake = await read_ahead(log)
    (part,) = intake.take(1)
    assert (part.end, part.envelopes) == (999_999, [])
    await intake.close()


async def test_no_message_is_lost_between_skipped_chunks() -> None:
    intake = await read_ahead(EndlessLog(5_000))
    offsets: list[int] = []
    ends: list[int] = []
    for _ in range(200):
        for part in intake.take(1):
            offsets += [envelope.offset for envelope in part.envelopes]
            ends.append(part.end)
        await asyncio.sleep(0)
    assert offsets == list(range(0, 1_000_000, 5_000))[: len(offsets)]
    assert ends == sorted(ends)
    await intake.close()
