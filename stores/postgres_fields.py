"""Who fills the columns of indexed fields in PostgreSQL.

The store does, since it has the value at hand (M: for two fields of a row of 2 KB 5 µs, where the server needs 30 to
read the JSON for each of them). Whatever else writes rows (people by SQL, a swap, a version that knows other fields)
need not know of the columns: a trigger fills them then.

How the trigger tells the two apart: a table with indexed fields has a column `filled`. A writer that fills exactly
these fields, by exactly these rules, sets it to the number that stands for them, and turns its sign with each update.
Any other update leaves it as it was, and any other insert leaves it empty. The condition is the trigger's own, so that
for the store's rows nothing is called (M: it costs less than can be measured).
"""

from collections.abc import Sequence
from zlib import crc32

from stores.fields import LONGEST, column
from stores.tables import FILLED

FILL = "fill"
"""Begins the names of triggers."""
_ON_INSERT = f"{FILL} new"


def derived_text(value: str, field: str) -> str:
    """The SQL expression for a field's text (`fields.py`) over a JSON value."""
    # A text with \\u0000 cannot be taken out of a JSON value; to ask for it would stop the commit.
    text = f"coalesce('=' || left({value} ->> '{field}', {LONGEST}), '')"
    return f"CASE WHEN strpos({value}::text, '\\u0000') = 0 THEN {text} ELSE '' END"


def signature(fields: Sequence[str]) -> int:
    """The number that stands for these fields and for how they are filled: never 0, in any order the same."""
    return crc32(_derivations(fields).encode()) % (2**31 - 1) + 1


def triggers(fields: Sequence[str]) -> frozenset[str]:
    """What the triggers of a table with these fields are called."""
    return frozenset((_ON_INSERT, f"{FILL} {signature(fields)}")) if fields else frozenset()


def filling(schema: str, table: str, fields: Sequence[str]) -> list[str]:
    """The statements after which a table's columns of these fields, which exist, are filled by whoever writes.

    They may be derived columns, as all were before stores filled them: their texts stay, and no row is rewritten.
    """
    name, function = f'"{schema}"."{table}"', f'"{schema}"."{table} fields"'
    dropped = f"DROP FUNCTION IF EXISTS {function} CASCADE"
    if not fields:
        return [dropped, f"ALTER TABLE {name} DROP COLUMN IF EXISTS {FILLED}"]
    released = [f'ALTER COLUMN "{column(field)}" DROP EXPRESSION IF EXISTS' for field in fields]
    number = signature(fields)
    body = f"BEGIN {_derivations(fields)} NEW.{FILLED} := {number}; RETURN NEW; END"
    others = f"FOR EACH ROW WHEN (NEW.{FILLED} IS DISTINCT FROM"
    return [
        f"ALTER TABLE {name} {', '.join([f'ADD COLUMN IF NOT EXISTS {FILLED} integer', *released])}",
        dropped,
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $fill$ {body} $fill$",
        f'CREATE TRIGGER "{_ON_INSERT}" BEFORE INSERT ON {name} {others} {number}) EXECUTE FUNCTION {function}()',
        f'CREATE TRIGGER "{FILL} {number}" BEFORE UPDATE ON {name} '
        f"{others} {turned('OLD', number)}) EXECUTE FUNCTION {function}()",
    ]


def _derivations(fields: Sequence[str]) -> str:
    return " ".join(f'NEW."{column(field)}" := {derived_text("NEW.value", field)};' for field in sorted(fields))


def turned(row: str, number: int) -> str:
    """What `filled` becomes in a row that a writer of these fields updates."""
    return f"CASE {row}.{FILLED} WHEN {number} THEN -{number} ELSE {number} END"
