"""Which store a URL means."""

import pathlib

import pytest

from stores.errors import StoreError
from stores.memory import MemoryStore
from stores.mongo import MongoStore
from stores.postgres import PostgresStore
from stores.redis import RedisStore
from stores.sqlite import SqliteStore
from stores.urls import open_store


def test_the_scheme_chooses_the_store() -> None:
    assert isinstance(open_store("memory:", "orders"), MemoryStore)
    assert isinstance(open_store("sqlite:///data", "orders"), SqliteStore)
    assert isinstance(open_store("postgresql://user:secret@host/shop", "orders", lease=5), PostgresStore)
    assert isinstance(open_store("mongodb://user:secret@host/?replicaSet=rs0", "orders"), MongoStore)
    assert isinstance(open_store("redis://user:secret@host:6379/0", "orders"), RedisStore)
    assert isinstance(open_store("rediss://user:secret@host:6379/0", "orders"), RedisStore)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///orders.db", "orders.db"),
        ("sqlite:///.warren/orders.sqlite3", ".warren/orders.sqlite3"),
        ("sqlite:////var/lib/shop/all.sqlite", "/var/lib/shop/all.sqlite"),
        ("sqlite:///data", "data/orders.db"),
        ("sqlite:////var/lib/shop/", "/var/lib/shop/orders.db"),
    ],
)
def test_a_sqlite_url_names_a_file_or_a_directory_with_a_file_for_each_service(url: str, file: str) -> None:
    store = open_store(url, "orders")
    assert isinstance(store, SqliteStore)
    assert store._file.path == pathlib.Path(file)


@pytest.mark.parametrize(
    "url", ["sqlite:orders.db", "sqlite://orders.db", "sqlite:///", "mysql://host/db", "orders", ""]
)
def test_what_is_no_url_of_a_store_is_refused_with_what_is(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:"):
        open_store(url, "orders")


def test_a_service_needs_a_name_that_a_schema_can_have() -> None:
    with pytest.raises(StoreError, match="cannot be the name"):
        open_store("memory:", 'x"; DROP SCHEMA public')


def test_a_password_is_in_no_error() -> None:
    with pytest.raises(StoreError) as raised:
        open_store("mongo+x://user:secret@host/shop", "orders")
    assert "secret" not in str(raised.value)
