"""Which rows of a table an agent may touch on one partition of several: those whose key's events come there.

Elsewhere another owner, perhaps in another process, keeps the key's row; what is written here beside it would be half
of a value.
"""

from streams.errors import NotOwned
from streams.keys import key_of_window
from streams.source import Source, partition_of


class OwnKeys:
    """The check of one table on one partition."""

    def __init__(self, table: str, source: Source, *, windowed: bool) -> None:
        self._table = table
        self._source = source
        self._windowed = windowed

    def check(self, row: str) -> None:
        """Raises NotOwned."""
        key = key_of_window(row) if self._windowed else row
        if self._source.owns(key):
            return
        here, there = self._source.partition, partition_of(key, self._source.partitions)
        raise NotOwned(
            f"key {key!r} of table {self._table!r} belongs to partition {there} of log {self._source.log!r}, and this "
            f"event is in partition {here}: read the log by that key, `stream.group_by(key, topic)`, or let each "
            "partition keep a part of the value and say how views put them together, `merge=`"
        )
