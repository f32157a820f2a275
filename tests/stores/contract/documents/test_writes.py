"""Documents change by compare-and-set."""

import asyncio

import pytest

from stores.errors import SchemaMissing
from stores.port import Document, Put, Store


async def test_a_document_is_made_at_version_1_and_grows_by_one(store: Store) -> None:
    assert await store.write("payments", [Put("p", b"1", 0)]) == [True]
    assert await store.read("payments", ["p"]) == {"p": Document(b"1", 1)}
    assert await store.write("payments", [Put("p", b"2", 1)]) == [True]
    assert await store.read("payments", ["p", "p", "none"]) == {"p": Document(b"2", 2)}


async def test_a_put_with_another_version_is_not_written(store: Store) -> None:
    await store.write("payments", [Put("p", b"1", 0)])
    for version in (0, 2, 99, -1):
        assert await store.write("payments", [Put("p", b"9", version)]) == [False]
    assert await store.write("payments", [Put("none", b"9", 1)]) == [False]
    assert await store.read("payments", ["p", "none"]) == {"p": Document(b"1", 1)}


async def test_each_put_of_a_batch_has_its_own_outcome(store: Store) -> None:
    await store.write("payments", [Put("b", b"1", 0)])
    puts = [Put("c", b"1", 0), Put("b", b"2", 0), Put("a", b"1", 0), Put("b", b"3", 1)]
    assert await store.write("payments", puts) == [True, False, True, True]
    assert await store.read("payments", ["a", "b", "c"]) == {
        "a": Document(b"1", 1),
        "b": Document(b"3", 2),
        "c": Document(b"1", 1),
    }


async def test_puts_of_one_id_are_judged_one_after_another(store: Store) -> None:
    puts = [Put("p", b"0", 1), Put("p", b"1", 0), Put("p", b"2", 1), Put("p", b"9", 1), Put("p", b"3", 2)]
    assert await store.write("payments", puts) == [False, True, True, False, True]
    assert await store.read("payments", ["p"]) == {"p": Document(b"3", 3)}


async def test_nothing_to_write_or_read_is_nothing(store: Store) -> None:
    assert await store.write("payments", []) == []
    assert await store.read("payments", []) == {}


async def test_of_concurrent_writers_of_one_version_one_wins(store: Store) -> None:
    for version in range(5):
        outcomes = await asyncio.gather(*(store.write("payments", [Put("p", b"%d" % n, version)]) for n in range(10)))
        winners = [n for n, outcome in enumerate(outcomes) if outcome == [True]]
        assert len(winners) == 1
        assert await store.read("payments", ["p"]) == {"p": Document(b"%d" % winners[0], version + 1)}


async def test_concurrent_batches_over_the_same_documents_lose_no_increment(store: Store) -> None:
    ids = [f"p{n}" for n in range(6)]

    async def increment(order: list[str]) -> int:
        written = 0
        for _ in range(8):
            found = await store.read("payments", order)
            current = {id_: found.get(id_, Document(b"0", 0)) for id_ in order}
            puts = [Put(id_, b"%d" % (int(doc.value) + 1), doc.version) for id_, doc in current.items()]
            written += sum(await store.write("payments", puts))
        return written

    written = await asyncio.gather(*(increment(ids if n % 2 else ids[::-1]) for n in range(6)))
    found = await store.read("payments", ids)
    assert sum(int(document.value) for document in found.values()) == sum(written)
    assert all(int(document.value) == document.version for document in found.values())


async def test_rows_are_no_documents(store: Store) -> None:
    with pytest.raises(SchemaMissing):
        await store.write("totals", [Put("p", b"1", 0)])
    with pytest.raises(SchemaMissing):
        await store.read("totals", ["p"])
