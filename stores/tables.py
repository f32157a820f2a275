"""The tables of an SQL store, for every database that SQLAlchemy can write them down for.

The primary key is (key, partition): one index serves rows by key, rows by key and partition, and pages in key order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Computed, DateTime, Index, Integer, LargeBinary, MetaData, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from stores.fields import column
from stores.names import checked_name, index_name
from stores.port import TableSpec

CHECKPOINTS = "warren_checkpoints"
IDS = "warren_ids"
WORKERS = "warren_workers"
DUE = "warren_due"
DEAD = "warren_dead"

FILLED = "filled"
"""The column that tells who has filled those of the indexed fields, where the database does not derive them."""


@dataclass(frozen=True, slots=True)
class Filling:
    """How the columns of a table's indexed fields are filled where the database does not derive them itself."""

    triggers: frozenset[str] = frozenset()
    """The names of those that the table has then."""
    statements: Sequence[str] = ()
    """What makes it so, after the columns are there as derived ones; run again, they change nothing."""


@dataclass(frozen=True)
class Flavour:
    """How one database differs from the others, and one store from another."""

    dialect: Dialect
    schema: str | None
    text: TypeEngine[str]
    """Compares by code point."""
    value: TypeEngine[Any]
    """JSON, kept as it is written."""
    field_text: Callable[[str], str]
    """The SQL expression for the text of a field (`fields.py`) over the column `value`."""
    stored: bool
    """Whether a derived column is stored with the row; else it is in its index alone."""
    filling: Callable[[str, Sequence[str]], Filling]
    """From a table and its indexed fields."""
    shared: bool
    """Whether several processes use the store, so that owners and heartbeats are kept in it."""
    storage: Callable[[str, str], Sequence[str]]
    """From a table's name, as it is and quoted: statements about how it is stored."""


def user_table(flavour: Flavour, spec: TableSpec) -> Table:
    """A table or a collection of documents, with its indexes."""
    table = _table(
        flavour,
        checked_name(spec.name),
        Column("key", flavour.text, primary_key=True),
        Column("partition", Integer, primary_key=True, autoincrement=False, server_default="0"),
        Column("value", flavour.value, nullable=False),
        *([_number("version")] if spec.kind == "documents" else []),
    )
    for field in spec.index:
        _add_field(flavour, table, field)
    return table


def _add_field(flavour: Flavour, table: Table, field: str) -> None:
    derived = Computed(flavour.field_text(field), persisted=flavour.stored)
    text = Column(quoted_name(column(field), True), flavour.text, derived)
    table.append_column(text)
    Index(quoted_name(index_name(table.name, field), True), text, table.columns["key"], table.columns["partition"])


def engine_tables(flavour: Flavour) -> list[Table]:
    """What the store keeps for the engine."""
    tables = [_checkpoints(flavour), _ids(flavour), _due(flavour), _dead(flavour)]
    return [*tables, _workers(flavour)] if flavour.shared else tables


def _checkpoints(flavour: Flavour) -> Table:
    return _table(
        flavour,
        CHECKPOINTS,
        *_slot(flavour),
        _number("epoch"),
        *([Column("owner", flavour.text, nullable=True)] if flavour.shared else []),
        Column("birth", flavour.text, nullable=False),
        _number("position"),
        _packed("anchor"),
        _packed("seen"),
        _number("watermark"),
        _packed("outbox"),
        Column("quiet", BigInteger, nullable=False, server_default="-1"),
    )


def _ids(flavour: Flavour) -> Table:
    position = Column("position", BigInteger, primary_key=True, autoincrement=False)
    return _table(flavour, IDS, *_slot(flavour), position, _number("log_time"), _packed("ids"))


def _due(flavour: Flavour) -> Table:
    key = Column("key", flavour.text, primary_key=True)
    cause = Column("cause", flavour.text, nullable=False)
    table = _table(flavour, DUE, *_slot(flavour), key, _number("at"), cause, _packed("message"))
    Index(f"{DUE}_at", *(table.columns[name] for name in ("agent", "partition", "at", "key")))
    return table


def _dead(flavour: Flavour) -> Table:
    position = Column("position", BigInteger, primary_key=True, autoincrement=False)
    return _table(flavour, DEAD, *_slot(flavour), position)


def _workers(flavour: Flavour) -> Table:
    expires = Column("expires", DateTime(timezone=True), nullable=False)
    return _table(flavour, WORKERS, Column("worker", flavour.text, primary_key=True), expires)


def _slot(flavour: Flavour) -> tuple[Column[Any], Column[Any]]:
    partition = Column("partition", Integer, primary_key=True, autoincrement=False)
    return Column("agent", flavour.text, primary_key=True), partition


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _packed(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _table(flavour: Flavour, name: str, *columns: Column[Any]) -> Table:
    metadata = MetaData(schema=flavour.schema and quoted_name(flavour.schema, True))
    # A row in the index itself: SQLite then has one tree to change for it instead of two.
    return Table(quoted_name(name, True), metadata, *columns, sqlite_with_rowid=False)
