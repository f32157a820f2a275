"""The rows of a commit, parted and sorted for a database."""

from collections.abc import Sequence
from dataclasses import dataclass

from stores.names import check_keys
from stores.port import Encoded


@dataclass(frozen=True, slots=True)
class RowChanges:
    """What a commit changes in one table. Keys are sorted: that suits an index, and all writers lock in one order."""

    keys: list[str]
    values: list[str]
    """Of the same length as `keys`."""
    deleted: list[str]


def row_changes(rows: Sequence[tuple[str, Encoded | None]]) -> RowChanges:
    """Raises StoreError for a key that cannot be kept."""
    check_keys([key for key, _ in rows])
    written = {key: value for key, value in rows if value is not None}
    keys = sorted(written)
    return RowChanges(
        keys, [written[key].decode() for key in keys], sorted(key for key, value in rows if value is None)
    )
