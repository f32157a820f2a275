"""A program that commits to a SQLite store for ever, and says each position that the store has acknowledged."""

import asyncio
import sys
from pathlib import Path

from stores.sqlite import SqliteStore
from tests.stores.samples import SPECS, a_commit, acquired

ROWS = 50


async def main(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.apply(SPECS)
    checkpoint = await acquired(store)
    for position in range(1, 1_000_000):
        rows = [(f"k{n}", b"%d" % position) for n in range(ROWS)]
        await store.commit(a_commit(checkpoint, {"orders": rows}, position))
        sys.stdout.write(f"{position}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
