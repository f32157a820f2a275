"""What becomes of a SQLite store when disk, process or file fail."""

import asyncio
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stores.errors import CommitUnknown, SchemaMissing, StoreRefused, StoreUnavailable
from stores.pages import PageQuery, Place
from stores.sqlite import SqliteStore
from stores.statements import page_statement, quoted
from tests.stores.samples import SLOT, SPECS, a_commit, acquired

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    await store.apply(SPECS)
    yield store
    await store.close()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes, as on a disk that is full or broken."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_file_refuses_the_commit_and_recovers(store: SqliteStore, path: Path) -> None:
    checkpoint = await acquired(store)
    await store.commit(a_commit(checkpoint, {"orders": [("a", b"{}")]}, 1))
    await _limit_pages(store, 40)
    large = {"orders": [(f"k{n}", b'"%s"' % (b"x" * 4000)) for n in range(1000)]}
    with pytest.raises(StoreUnavailable, match="make room") as raised:
        await store.commit(a_commit(checkpoint, large, 2))
    assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
    assert await store.scan("orders", 0) == {"a": b"{}"}
    await store.commit(a_commit(checkpoint, {"orders": [("a", None)]}, 3))
    await _limit_pages(store, 1_000_000)
    await store.commit(a_commit(checkpoint, large, 4))
    assert len(await store.scan("orders", 0)) == 1000
    assert (await acquired(store)).position == 4


async def _limit_pages(store: SqliteStore, pages: int) -> None:
    await store._file.run(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchall())


async def test_a_disk_that_fails_while_committing_leaves_the_outcome_unknown(store: SqliteStore, path: Path) -> None:
    checkpoint = await acquired(store)
    await store.commit(a_commit(checkpoint, {"orders": [("a", b"1")]}, 1))
    rows = {"orders": [(f"k{n}", b'"%s"' % (b"x" * 4000)) for n in range(100)]}
    with (
        largest_file(path.with_name("orders.db-wal").stat().st_size + 100_000),
        pytest.raises(CommitUnknown, match=r"the disk (is full|does not)"),
    ):
        await store.commit(a_commit(checkpoint, rows, 2))
    again = await acquired(store)
    assert again.position == 1
    assert await store.scan("orders", 0) == {"a": b"1"}
    await store.commit(a_commit(again, rows, 2))
    await store.close()
    await store.open()
    assert (await acquired(store)).position == 2


async def test_a_killed_process_leaves_what_it_acknowledged_and_nothing_by_halves(path: Path) -> None:
    program = [sys.executable, "-m", "tests.stores.writer", str(path)]
    writer = await asyncio.create_subprocess_exec(*program, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    other = SqliteStore(path)
    said = b""
    try:
        for _ in range(100):
            said += await writer.stdout.readuntil()
        with pytest.raises(StoreRefused, match="another process"):
            await other.open()
    finally:
        writer.kill()
        said += await writer.stdout.read()
        await writer.wait()
    acknowledged = int(said.splitlines()[-1])
    await other.open()
    found = await acquired(other, worker="another")
    assert found.position in {acknowledged, acknowledged + 1}
    assert set((await other.scan("orders", 0)).values()) == {b"%d" % found.position}
    await other.close()


async def test_one_process_cannot_open_a_file_twice(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    with pytest.raises(StoreRefused, match="give each its own file"):
        await other.open()
    await other.close()
    await acquired(store)
    await store.close()
    await other.open()
    await other.close()


async def test_a_closed_store_can_be_opened_again(store: SqliteStore) -> None:
    await store.commit(a_commit(await acquired(store), position=5))
    await store.close()
    with pytest.raises(StoreUnavailable, match="call `open` first"):
        await store.acquire(SLOT, "w1", 60)
    await store.open()
    assert (await acquired(store, worker="w2")).position == 5


async def test_close_waits_for_commits_under_way(store: SqliteStore) -> None:
    checkpoint = await acquired(store)
    commits = [asyncio.ensure_future(store.commit(a_commit(checkpoint, position=n))) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert [commit.done() and commit.exception() is None for commit in commits] == [True] * 20
    await store.open()
    assert (await acquired(store)).position == 19


async def test_a_commit_that_is_cancelled_happens_as_a_whole_or_not_at_all(store: SqliteStore) -> None:
    checkpoint = await acquired(store)
    rows = {"orders": [(f"k{n}", b"1") for n in range(5000)]}
    commit = asyncio.ensure_future(store.commit(a_commit(checkpoint, rows, 5)))
    await asyncio.sleep(0)
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    found = await acquired(store)
    assert (found.position, len(await store.scan("orders", 0))) in {(5, 5000), (-1, 0)}


async def test_the_event_loop_goes_on_while_sqlite_writes(store: SqliteStore) -> None:
    checkpoint = await acquired(store)
    rows = {"orders": [(f"k{n}", b"1") for n in range(20_000)]}
    commit = asyncio.ensure_future(store.commit(a_commit(checkpoint, rows, 5)))
    turns = 0
    while not commit.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_a_file_that_is_no_database_or_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is no database, however long it may be.\n" * 100)
    for path in (tmp_path / "text.db", tmp_path / "text.db" / "below.db"):
        store = SqliteStore(path)
        with pytest.raises((StoreRefused, StoreUnavailable), match=f"{path.name}.* (move it away|cannot be opened)"):
            await store.open()
        await store.close()


async def test_directories_are_made(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a" / "b" / "c.db")
    await store.open()
    await store.close()
    assert (tmp_path / "a" / "b" / "c.db").exists()


async def test_commits_reach_the_disk_before_they_return(store: SqliteStore) -> None:
    assert await store._file.run(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (2,)
    assert await store._file.run(lambda db: db.execute("PRAGMA journal_mode").fetchone()) == ("wal",)


async def test_other_tools_can_look_into_the_file_meanwhile(store: SqliteStore, path: Path) -> None:
    await store.commit(a_commit(await acquired(store), {"orders": [("a", b'{"userId":"u"}')]}))
    connection = sqlite3.connect(path)
    assert connection.execute('SELECT key, "by.userId" FROM orders').fetchall() == [("a", "=u")]
    connection.close()


async def test_a_tool_that_keeps_writing_to_the_file_makes_it_unavailable(store: SqliteStore, path: Path) -> None:
    checkpoint = await acquired(store)
    await store._file.run(lambda db: db.execute("PRAGMA busy_timeout = 10").fetchall())
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another process writes"):
        await store.commit(a_commit(checkpoint))
    connection.execute("ROLLBACK")
    connection.close()
    await store.commit(a_commit(checkpoint))


@pytest.mark.parametrize("query", ["equals", "order", "key"])
async def test_pages_are_read_from_an_index(store: SqliteStore, query: str) -> None:
    equals = (("userId", "u"),) if query == "equals" else ()
    order_by = "userId" if query == "order" else None
    asked = PageQuery("orders", equals, "", order_by, False, 10, Place("=u", "k", 0))
    statement, arguments = page_statement(quoted("orders"), asked, "?")
    rows = await store._file.run(lambda db: db.execute(f"EXPLAIN QUERY PLAN {statement}", arguments).fetchall())
    plan = " ".join(row[3] for row in rows)
    assert plan.startswith("SEARCH")
    assert "TEMP B-TREE" not in plan


async def test_an_engine_table_that_was_dropped_is_missing(store: SqliteStore) -> None:
    checkpoint = await acquired(store)
    await store._file.run(lambda db: db.execute("DROP TABLE warren_checkpoints"))
    with pytest.raises(SchemaMissing, match="warren stores apply"):
        await store.commit(a_commit(checkpoint))


async def test_a_file_of_an_earlier_version_is_given_what_it_lacks(store: SqliteStore, path: Path) -> None:
    checkpoint = await acquired(store)
    await store.commit(a_commit(checkpoint))
    await store._file.run(lambda db: db.execute("ALTER TABLE warren_checkpoints DROP COLUMN quiet"))
    await store._file.run(lambda db: db.execute("DROP TABLE warren_due"))
    with pytest.raises(SchemaMissing):
        await acquired(store)
    changes = await store.apply(SPECS)
    assert [(change.action, change.target) for change in changes] == [
        ("column", "warren_checkpoints.quiet"),
        ("create", "warren_due"),
    ]
    assert (await acquired(store)).quiet == -1
    assert await store.plan(SPECS) == []
