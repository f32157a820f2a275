"""Table keys: what agents index by, and the texts that stores and URLs know them by."""

from datetime import UTC, datetime
from uuid import UUID

from stores.errors import StoreError
from stores.names import MAX_KEY_BYTES, check_keys

Key = str | int | UUID | tuple["Key", ...]


def encode_key(key: object) -> str:
    """The text of a key. Parts of a tuple are joined by `|`; within a part `|` and `%` are percent-encoded.

    Raises TypeError for anything but str, int, UUID and tuples of them.
    """
    if isinstance(key, str):
        return key
    if isinstance(key, UUID):
        return str(key)
    if isinstance(key, tuple):
        return "|".join(_escape(encode_key(part)) for part in key)
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise TypeError(f"a table key is a str, int, UUID or a tuple of them, not {type(key).__name__}: {key!r}")


def row_key(key: object) -> str:
    """The text of a key, as every store takes it. Raises TypeError, and ValueError for what no store can hold.

    A store would say so only when the batch is committed, and then nobody knows which event it was.
    """
    text = encode_key(key)
    if len(text) <= MAX_KEY_BYTES and text.isascii() and "\0" not in text:
        return text
    try:
        check_keys((text,))
    except StoreError as error:
        raise ValueError(f"not a table key: {error}") from error
    return text


def _escape(text: str) -> str:
    if "|" in text or "%" in text:
        return text.replace("%", "%25").replace("|", "%7C")
    return text


def instant(ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 UTC, so that texts sort as times do (four-digit years)."""
    whole = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ms % 1000:03}Z" if ms % 1000 else f"{whole}Z"


def key_of_window(row: str) -> str:
    """The key of a window's row, without the window."""
    key = row.rpartition("|")[0]
    return key.replace("%7C", "|").replace("%25", "%") if "%" in key else key


def window_key(key: object, start: int) -> str:
    """The key of one window's row: the key, and when the window begins."""
    return f"{_escape(encode_key(key))}|{instant(start)}"
