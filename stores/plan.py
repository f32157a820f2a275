"""What has to be done for a database to fit the specs of a store: the decision, apart from doing it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Table
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateSchema, CreateTable, ExecutableDDLElement
from sqlalchemy.sql.elements import quoted_name

from stores.errors import StoreError
from stores.fields import column
from stores.names import check_specs, index_name
from stores.port import Change, TableSpec
from stores.tables import FILLED, Filling, Flavour, engine_tables, user_table

_SEPARATOR = ";\n"


@dataclass(frozen=True, slots=True)
class Existing:
    """What a database has of a store."""

    schema: bool
    tables: Mapping[str, frozenset[str]]
    """Table -> columns."""
    indexes: frozenset[str]
    triggers: Mapping[str, frozenset[str]]
    """Table -> those that fill the columns of its fields."""


def plan(flavour: Flavour, existing: Existing, specs: Sequence[TableSpec]) -> list[Change]:
    """Raises StoreError for specs that no store can make, or that contradict what exists."""
    check_specs(specs)
    return [*_engine(flavour, existing), *(change for spec in specs for change in _user(flavour, existing, spec))]


def statements(change: Change) -> list[str]:
    """The statements of a change, to be run one by one."""
    return change.statement.split(_SEPARATOR)


def _engine(flavour: Flavour, existing: Existing) -> Iterator[Change]:
    if flavour.schema is not None and not existing.schema:
        schema = CreateSchema(quoted_name(flavour.schema, True))
        yield Change("create", flavour.schema, _compiled(flavour, schema))
    for table in engine_tables(flavour):
        columns = existing.tables.get(table.name)
        if columns is None:
            yield _create(flavour, table)
            continue
        yield from (_column(flavour, table, each) for each in table.columns if each.name not in columns)


def _user(flavour: Flavour, existing: Existing, spec: TableSpec) -> list[Change]:
    table = user_table(flavour, spec)
    columns = existing.tables.get(spec.name)
    if columns is None:
        return [_create(flavour, table, flavour.filling(spec.name, spec.index))]
    if ("version" in columns) != (spec.kind == "documents"):
        raise StoreError(f"{spec.name!r} exists, but not as {spec.kind}: give the new one another name")
    changes = list(_fields(flavour, existing, spec, table, columns))
    filling = flavour.filling(spec.name, spec.index)
    if existing.triggers.get(spec.name, frozenset()) == filling.triggers:
        return changes
    last = changes.pop() if changes else _change("column", f"{spec.name}.{FILLED}", [])
    return [*changes, _change(last.action, last.target, [*filter(None, [last.statement]), *filling.statements])]


def _fields(
    flavour: Flavour, existing: Existing, spec: TableSpec, table: Table, columns: frozenset[str]
) -> Iterator[Change]:
    for field in sorted(spec.index):
        if column(field) not in columns or index_name(spec.name, field) not in existing.indexes:
            yield _index(flavour, table, field, column(field) in columns)
    for name in sorted(columns):
        if name.startswith(column("")) and name not in table.columns:
            yield _drop_index(flavour, table, name.removeprefix(column("")))


def _create(flavour: Flavour, table: Table, filling: Filling | None = None) -> Change:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    created = [_compiled(flavour, CreateTable(table)), *(_compiled(flavour, CreateIndex(i)) for i in indexes)]
    filled = filling.statements if filling is not None and filling.triggers else ()
    return _change("create", table.name, [*created, *filled, *flavour.storage(table.name, _quoted(flavour, table))])


def _column(flavour: Flavour, table: Table, added: Column[Any]) -> Change:
    """A column that an earlier version did not have; its default fills the rows that are there."""
    definition = CreateColumn(added).compile(dialect=flavour.dialect)
    statement = f"ALTER TABLE {_quoted(flavour, table)} ADD COLUMN {definition}"
    return _change("column", f"{table.name}.{added.name}", [statement])


def _index(flavour: Flavour, table: Table, field: str, has_column: bool) -> Change:
    added = CreateColumn(table.columns[column(field)]).compile(dialect=flavour.dialect)
    extended = [] if has_column else [f"ALTER TABLE {_quoted(flavour, table)} ADD COLUMN {added}"]
    made = next(index for index in table.indexes if index.name == index_name(table.name, field))
    return _change("index", f"{table.name}.{field}", [*extended, _compiled(flavour, CreateIndex(made))])


def _drop_index(flavour: Flavour, table: Table, field: str) -> Change:
    schema = f'"{flavour.schema}".' if flavour.schema else ""
    dropped = f'DROP INDEX IF EXISTS {schema}"{index_name(table.name, field)}"'
    # The column holds nothing of its own, and would slow every write.
    reduced = f'ALTER TABLE {_quoted(flavour, table)} DROP COLUMN "{column(field)}"'
    return _change("drop-index", f"{table.name}.{field}", [dropped, reduced])


def _change(action: Literal["create", "column", "index", "drop-index"], target: str, steps: Sequence[str]) -> Change:
    return Change(action, target, _SEPARATOR.join(steps))


def _quoted(flavour: Flavour, table: Table) -> str:
    return flavour.dialect.identifier_preparer.format_table(table)


def _compiled(flavour: Flavour, element: ExecutableDDLElement) -> str:
    return str(element.compile(dialect=flavour.dialect)).strip()
