"""How a store's tables are made in SQLite."""

import sqlite3

from sqlalchemy import Text, make_url

from stores.fields import LONGEST
from stores.plan import Existing
from stores.tables import Filling, Flavour

_COLUMNS = """
SELECT made.name, columns.name FROM sqlite_master AS made, pragma_table_xinfo(made.name) AS columns
WHERE made.type = 'table'
"""
_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index'"


def _field_text(field: str) -> str:
    path = f"'$.{field}'"
    kinds = f"WHEN 'text' THEN value ->> {path} WHEN 'null' THEN NULL ELSE value -> {path}"
    text = f"coalesce('=' || substr(CASE json_type(value, {path}) {kinds} END, 1, {LONGEST}), '')"
    return f"CASE WHEN instr(value, '\\u0000') = 0 THEN {text} ELSE '' END"


FLAVOUR = Flavour(
    dialect=make_url("sqlite://").get_dialect()(),
    schema=None,
    text=Text(),
    value=Text(),
    field_text=_field_text,
    stored=False,
    filling=lambda table, fields: Filling(),
    shared=False,
    storage=lambda name, quoted_name: (),
)


def existing(db: sqlite3.Connection) -> Existing:
    """What the file has of the store."""
    columns: dict[str, set[str]] = {}
    for table, name in db.execute(_COLUMNS):
        columns.setdefault(table, set()).add(name)
    indexes = frozenset(name for (name,) in db.execute(_INDEXES))
    return Existing(True, {table: frozenset(names) for table, names in columns.items()}, indexes, {})
