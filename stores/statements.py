"""SQL that every SQL store shares."""

from functools import lru_cache

from stores.fields import column, sort_text
from stores.names import checked_name
from stores.pages import PageQuery, after_prefix

Argument = str | int


@lru_cache(1024)
def quoted(name: str, schema: str | None = None) -> str:
    """The name of a table, for SQL. Raises StoreError where it is not one."""
    table = f'"{checked_name(name)}"'
    return f'"{checked_name(schema)}".{table}' if schema is not None else table


def page_statement(table: str, query: PageQuery, mark: str) -> tuple[str, list[Argument]]:
    """The statement for a page and one row more, over a quoted table, and its arguments.

    It gives partition, key, value and the text that sorts. `mark` goes before an argument's number: `$`, `?`.
    """
    arguments: list[Argument] = []

    def bind(*values: Argument) -> str:
        arguments.extend(values)
        return ", ".join(f"{mark}{len(arguments) - len(values) + n}" for n in range(1, len(values) + 1))

    conditions = [f"{_column(field)} = {bind(sort_text(text))}" for field, text in query.equals]
    conditions += [f"r.key {comparison} {bind(text)}" for comparison, text in _prefix_range(query.prefix)]
    sorted_by = (
        ["r.key", "r.partition"] if query.order_by is None else [_column(query.order_by), "r.key", "r.partition"]
    )
    if query.after is not None:
        place = query.after[-len(sorted_by) :]
        conditions.append(f"({', '.join(sorted_by)}) {'<' if query.descending else '>'} ({bind(*place)})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = ", ".join(f"{name} DESC" if query.descending else name for name in sorted_by)
    text = "''" if query.order_by is None else sorted_by[0]
    # The alias is needed: SQLite takes a quoted name for a string where it is no column, unless a table stands before.
    select = f"SELECT r.partition, r.key, r.value, {text} FROM {table} AS r"
    return f"{select}{where} ORDER BY {order} LIMIT {bind(query.limit + 1)}", arguments


def _column(field: str) -> str:
    return f'r."{column(field)}"'


def _prefix_range(prefix: str) -> list[tuple[str, str]]:
    if not prefix:
        return []
    end = after_prefix(prefix)
    return [(">=", prefix)] if end is None else [(">=", prefix), ("<", end)]
