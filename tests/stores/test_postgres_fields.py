"""Columns of indexed fields in PostgreSQL are right whoever writes, and the store fills those of its own rows."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from stores.errors import StoreError
from stores.fields import column, field_texts
from stores.names import index_name
from stores.port import Put, Store, TableSpec
from stores.postgres import PostgresStore
from stores.postgres_fields import derived_text
from tests.stores.samples import ORDERS, PAYMENTS, SPECS, TOTALS, keep, put

FIELDS = ("userId", "status")
BY_OTHERS = "INSERT INTO {} (key, partition, value) VALUES ($1, 0, $2)"


@pytest.fixture
async def store(postgres: str, postgres_schema: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres, postgres_schema)
    await store.open()
    await store.apply(SPECS)
    yield store
    await store.close()


@pytest.fixture
async def another(postgres: str, postgres_schema: str, store: PostgresStore) -> AsyncIterator[PostgresStore]:
    """What another process has of the same tables."""
    another = PostgresStore(postgres, postgres_schema)
    await another.open()
    yield another
    await another.close()


@pytest.fixture
async def administrator(postgres: str, postgres_schema: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever works on the tables by SQL."""
    connection = await asyncpg.connect(postgres, server_settings={"search_path": f'"{postgres_schema}"'})
    yield connection
    await connection.close()


async def found(store: Store, table: str = "orders", **equals: str) -> list[str]:
    return [row.key for row in (await store.query(table, equals=equals)).rows]


async def as_it_was_before(administrator: asyncpg.Connection, spec: TableSpec) -> None:
    """Derived columns, as tables had before stores filled them."""
    await administrator.execute(f'DROP FUNCTION "{spec.name} fields" CASCADE')
    await administrator.execute(f'ALTER TABLE "{spec.name}" DROP COLUMN filled')
    for field in spec.index:
        derived = f"GENERATED ALWAYS AS ({derived_text('value', field)}) STORED"
        name = column(field)
        await administrator.execute(f'ALTER TABLE "{spec.name}" DROP COLUMN "{name}"')
        await administrator.execute(f'ALTER TABLE "{spec.name}" ADD COLUMN "{name}" text COLLATE "C" {derived}')
        made = f'CREATE INDEX "{index_name(spec.name, field)}" ON "{spec.name}" ("{name}", key, partition)'
        await administrator.execute(made)


async def forbid_filling(administrator: asyncpg.Connection, table: str) -> None:
    """From here on whatever would have a row filled fails."""
    await administrator.execute(f"""
        CREATE OR REPLACE FUNCTION "{table} fields"() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the trigger was called'; END $$
    """)


async def test_derived_columns_of_an_earlier_version_are_taken_over_with_what_they_hold(
    store: PostgresStore, administrator: asyncpg.Connection
) -> None:
    await keep(store, {"orders": [("a", b'{"userId":"u","status":"NEW"}'), ("b", b'{"userId":"v"}')]})
    await put(store, "payments", {"p": b'{"status":"PAID"}'})
    for spec in (ORDERS, PAYMENTS):
        await as_it_was_before(administrator, spec)
    planned = await store.plan(SPECS)
    assert [(change.action, change.target) for change in planned] == [
        ("column", "orders.filled"),
        ("column", "payments.filled"),
    ]
    assert await store.apply(SPECS) == planned
    assert await store.plan(SPECS) == await store.apply(SPECS) == []
    derived = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attgenerated <> ''"
    assert await administrator.fetchval(derived) == 0
    assert await found(store, userId="u") == ["a"]
    assert await found(store, "payments", status="PAID") == ["p"]
    # An old row is written by the store for the first time, then again without the trigger's help.
    await keep(store, {"orders": [("a", b'{"userId":"w"}')]})
    await forbid_filling(administrator, "orders")
    await keep(store, {"orders": [("a", b'{"userId":"x"}'), ("c", b'{"userId":"x"}')]})
    assert (await found(store, userId="w"), await found(store, userId="x")) == ([], ["a", "c"])


async def test_rows_are_written_to_an_earlier_versions_tables_until_they_are_brought_over(
    store: PostgresStore, another: PostgresStore, administrator: asyncpg.Connection
) -> None:
    for spec in (ORDERS, PAYMENTS):
        await as_it_was_before(administrator, spec)
    await keep(another, {"orders": [("a", b'{"userId":"u"}')]})
    await put(another, "payments", {"p": b'{"status":"NEW"}'})
    await store.apply(SPECS)
    await keep(another, {"orders": [("a", b'{"userId":"v"}'), ("b", b'{"userId":"v"}')]})
    assert await another.write("payments", [Put("p", b'{"status":"PAID"}', 1)]) == [True]
    assert (await found(store, userId="u"), await found(store, userId="v")) == ([], ["a", "b"])
    assert await found(store, "payments", status="PAID") == ["p"]


async def test_rows_that_others_write_have_their_fields(
    store: PostgresStore, administrator: asyncpg.Connection
) -> None:
    value = b'{"userId":"u","status":"NEW"}'
    await keep(store, {"orders": [(key, value) for key in "ab"]})
    await keep(store, {"orders": [("b", value)]})
    await administrator.execute(BY_OTHERS.format("orders"), "c", '{"userId":"u","status":"PAID"}')
    for _ in range(2):
        assert await found(store, userId="u") == ["a", "b", "c"]
        await administrator.execute("""UPDATE orders SET value = '{"userId":"v","status":"PAID"}'""")
        assert await found(store, userId="v", status="PAID") == ["a", "b", "c"]
        await administrator.execute("""
            INSERT INTO orders (key, partition, value) SELECT unnest(ARRAY['a', 'b', 'c']), 0, '{"userId":"u"}'
            ON CONFLICT (key, partition) DO UPDATE SET value = excluded.value
        """)
    await keep(store, {"orders": [(key, b'{"userId":"w"}') for key in "abc"]})
    assert await found(store, userId="w") == ["a", "b", "c"]


async def test_the_store_fills_the_columns_of_its_own_rows(
    store: PostgresStore, administrator: asyncpg.Connection
) -> None:
    for table in ("orders", "payments"):
        await forbid_filling(administrator, table)
    for user in "uvw":
        await keep(store, {"orders": [("a", b'{"userId":"%s"}' % user.encode()), (user, b"{}")]})
        assert await found(store, userId=user) == ["a"]
    for version, status in enumerate(("NEW", "HELD", "PAID")):
        assert await store.write("payments", [Put("p", b'{"status":"%s"}' % status.encode(), version)]) == [True]
        assert await found(store, "payments", status=status) == ["p"]
    with pytest.raises(asyncpg.RaiseError, match="trigger was called"):
        await administrator.execute(BY_OTHERS.format("orders"), "x", "{}")
    with pytest.raises(asyncpg.RaiseError, match="trigger was called"):
        await administrator.execute("UPDATE payments SET value = '{}'")


async def test_a_process_that_knows_fewer_fields_or_more_goes_on_writing(
    store: PostgresStore, another: PostgresStore, administrator: asyncpg.Connection
) -> None:
    value = b'{"userId":"u","status":"NEW","city":"Ulm"}'
    await keep(another, {"orders": [("a", value)]})
    await store.apply([TableSpec("orders", index=("userId", "status", "city")), TOTALS, PAYMENTS])
    await keep(another, {"orders": [("a", value.replace(b"Ulm", b"Bonn")), ("b", value)]})
    assert (await found(store, city="Ulm"), await found(store, city="Bonn")) == (["b"], ["a"])
    await store.apply([TableSpec("orders", index=("userId",)), TableSpec("payments", "documents")])
    await keep(another, {"orders": [("b", value.replace(b'"u"', b'"v"'))]})
    assert await another.write("payments", [Put("p", b'{"status":"NEW"}', 0)]) == [True]
    await administrator.execute(BY_OTHERS.format("orders"), "c", '{"userId":"v"}')
    assert await found(store, userId="v") == ["b", "c"]
    assert await store.plan([TableSpec("orders", index=("userId",)), TableSpec("payments", "documents")]) == []
    with pytest.raises(StoreError, match="no index for 'status'"):
        await found(store, "payments", status="NEW")


async def test_the_store_and_the_trigger_derive_the_same_texts(administrator: asyncpg.Connection) -> None:
    values = [
        b"{}",
        b"[]",
        b'"userId"',
        b'{"userId":null,"status":""}',
        b'{"userId":"u","status":"\\u00e9\\n\\t\\"\\\\\\/\\ud83d\\ude00"}',
        '{"userId":"é😀","status":"'.encode() + b"x" * 300 + b'"}',
        b'{ "userId" : 1.50 , "status" : -0E+3 }',
        b'{"userId":true,"status":false}',
        b'{"userId":{"a": [1,  2]},"status":[ "x" , {"b":null} ]}',
        b'{"userId":1,"userId":"twice","\\u0073tatus":"escaped"}',
        b'{"nested":{"userId":"no"},"status":"nul \\u0000"}',
        b'{"userId":"12345678901234567890","status":12345678901234567890.10}',
    ]
    derived = ", ".join(derived_text("value", field) for field in FIELDS)
    rows = await administrator.fetch(
        f"SELECT {derived} FROM unnest($1::json[]) AS made (value)", [value.decode() for value in values]
    )
    assert [list(row) for row in rows] == [field_texts(value, FIELDS) for value in values]
