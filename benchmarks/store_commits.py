"""How many changed rows per second a store commits.

Run as `python -m benchmarks.store_commits memory: sqlite:///bench.db postgresql://…`; each store should be empty, and
PostgreSQL's schema `bench` is left for `DROP SCHEMA bench CASCADE`.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from stores.port import Checkpoint, Commit, Slot, Store, TableSpec
from stores.urls import open_store

CHANGED = 12_000
KEPT = 96_000
COMMITS = 9
TABLES = (TableSpec("plain"), TableSpec("indexed", index=("userId",)), TableSpec("twice", index=("userId", "status")))
SENDS = 10_000


def order(key: str, number: int, revision: int) -> bytes:
    """194 bytes of JSON, more or less."""
    return msgspec.json.encode(
        {
            "id": key,
            "userId": str(number % 5000),
            "status": "PAID",
            "total": f"{number % 997}.50",
            "currency": "EUR",
            "items": [{"productId": f"p{number % 100}", "quantity": 2, "price": "12.00"}],
            "version": revision,
        }
    )


@dataclass
class Bench:
    """One store, with one slot taken."""

    store: Store
    checkpoint: Checkpoint
    keys: Sequence[str]
    random: random.Random

    async def commit(self, table: str, numbers: Iterable[int], revision: int, outbox: bytes = b"") -> float:
        """Seconds that a commit of these rows takes."""
        rows = [(self.keys[number], order(self.keys[number], number, revision)) for number in numbers]
        slot, epoch = self.checkpoint.slot, self.checkpoint.epoch
        commit = Commit(slot, epoch, revision, b"", b"", 0, outbox, {table: rows} if rows else {})
        begun = time.perf_counter()
        await self.store.commit(commit)
        return time.perf_counter() - begun

    async def table(self, name: str) -> str:
        """A line of figures about one table."""
        parts = [range(first, first + CHANGED) for first in range(0, KEPT, CHANGED)]
        made = [await self.commit(name, part, 0) for part in parts]
        spread = [await self.commit(name, self.random.sample(range(KEPT), CHANGED), n) for n in range(COMMITS)]
        same = [await self.commit(name, range(CHANGED), COMMITS + n) for n in range(COMMITS)]
        begun = time.perf_counter()
        rate = len(await self.store.scan(name, 0)) / (time.perf_counter() - begun)
        figures = ", ".join(
            f"{what} {CHANGED / statistics.median(times):,.0f}"
            for what, times in (("new", made), (f"of {KEPT:,}", spread), ("the same", same))
        )
        return f"{name}: rows/s committed: {figures}; scanned {rate:,.0f}"

    async def small(self) -> str:
        """A line of figures about commits without many rows."""
        sends = b"".join(order(self.keys[n], n, n) for n in range(SENDS))
        outbox = [await self.commit("plain", [], n, sends) for n in range(COMMITS)]
        single = [await self.commit("plain", [n], n) for n in range(COMMITS * 10)]
        return (
            f"a commit of one row: {statistics.median(single) * 1000:.2f} ms; "
            f"of an outbox of {len(sends) / 1e6:.1f} MB: {statistics.median(outbox) * 1000:.1f} ms"
        )


async def measure(url: str) -> None:
    """Prints figures about the store at a URL."""
    store = open_store(url, "bench")
    await store.open()
    await store.apply(TABLES)
    checkpoint = await store.acquire(Slot("bench"), "bench", 60)
    if checkpoint is None:
        raise SystemExit(f"another benchmark runs on {url}")
    chance = random.Random(1)
    bench = Bench(store, checkpoint, [str(UUID(int=chance.getrandbits(128))) for _ in range(KEPT)], chance)
    print(store.capabilities.name)
    for spec in TABLES:
        print(" ", await bench.table(spec.name))
    print(" ", await bench.small())
    await store.close()


if __name__ == "__main__":
    for each in sys.argv[1:]:
        asyncio.run(measure(each))
