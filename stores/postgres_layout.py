"""Which fields of each table the store fills, and the parts of statements that do it."""

from collections.abc import Sequence
from dataclasses import dataclass

from stores.fields import column, field_texts
from stores.postgres_fields import signature, turned
from stores.postgres_sessions import Sessions
from stores.tables import FILLED

_FIELDS = f"""
SELECT made.relname AS name, array_agg(substr(columns.attname, {len(column("")) + 1})) AS fields
FROM pg_class AS made JOIN pg_namespace AS schemas ON schemas.oid = made.relnamespace
JOIN pg_attribute AS columns ON columns.attrelid = made.oid AND columns.attnum > 0 AND NOT columns.attisdropped
WHERE schemas.nspname = $1 AND made.relkind = 'r'
AND starts_with(columns.attname, '{column("")}') AND columns.attgenerated = ''
GROUP BY made.relname
"""


@dataclass(frozen=True, slots=True)
class Fill:
    """How the columns of these fields are filled in one table; without fields, nothing is."""

    fields: tuple[str, ...] = ()

    def texts(self, values: Sequence[str]) -> list[list[str]]:
        """What these rows have in each of the fields' columns."""
        rows = [field_texts(value.encode(), self.fields) for value in values] if self.fields else []
        return [[row[place] for row in rows] for place in range(len(self.fields))]

    def arrays(self, first: int) -> str:
        """The arguments with these texts, from the number `first` on, to go on with in a list."""
        return "".join(f", ${first + place}::text[]" for place in range(len(self.fields)))

    @property
    def names(self) -> str:
        """The fields' columns, to go on with in a list of columns."""
        return "".join(f', "{column(field)}"' for field in self.fields)

    @property
    def inserted(self) -> tuple[str, str]:
        """The column `filled` and what it is in a new row, to go on with in lists."""
        return (f", {FILLED}", f", {signature(self.fields)}") if self.fields else ("", "")

    def updated(self, row: str, written: str) -> str:
        """What else an update of `row` sets from the row `written`, to go on with in a list."""
        if not self.fields:
            return ""
        texts = "".join(f', "{column(field)}" = {written}."{column(field)}"' for field in self.fields)
        return f"{texts}, {FILLED} = {turned(row, signature(self.fields))}"


class Layout:
    """What the database has last told of its tables.

    A table that has other fields by now is still written rightly: its trigger fills what this does not know of. Only a
    column that is there no more is an error; then what was told is to be forgotten.
    """

    def __init__(self, sessions: Sessions, schema: str) -> None:
        self._sessions = sessions
        self._schema = schema
        self._fills: dict[str, Fill] | None = None

    async def of(self, tables: Sequence[str]) -> list[Fill]:
        """How each of these is filled. Asks the database once."""
        if self._fills is None:
            async with self._sessions.session() as session:
                rows = await session.fetch(_FIELDS, self._schema)
            self._fills = {row["name"]: Fill(tuple(sorted(row["fields"]))) for row in rows}
        fills = self._fills
        return [fills.get(table, _NOTHING) for table in tables]

    def forget(self) -> bool:
        """Ask again next time; whether anything was known."""
        known, self._fills = self._fills is not None, None
        return known


_NOTHING = Fill()
