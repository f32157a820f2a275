"""Names and keys that every store can hold, checked before anything is sent to one."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import blake2b

from stores.errors import StoreError
from stores.port import TableSpec

MAX_KEY_BYTES = 1024
"""In UTF-8. A PostgreSQL index row holds 2,704 bytes, and takes a key beside the text of an indexed field."""

_LONGEST = 48
_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_.-]{{0,{_LONGEST - 1}}}")
_FIELD = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{_LONGEST - 1}}}")
_RESERVED = ("pg_", "sqlite_", "warren_")
_LONGEST_IDENTIFIER = 63


@lru_cache(1024)
def checked_name(name: str) -> str:
    """The name of a table or a service, as it came. Raises StoreError where it is not one."""
    if not _NAME.fullmatch(name) or name.lower().startswith(_RESERVED):
        raise StoreError(
            f"{name!r} cannot be the name of a table or a service: begin with a letter, but not with "
            f"{', '.join(_RESERVED)}; go on with letters of ASCII, digits, '_', '.' and '-', {_LONGEST} at most"
        )
    return name


@lru_cache(1024)
def checked_field(field: str) -> str:
    """The name of an indexed field, as it came. Raises StoreError where it is not one."""
    if not _FIELD.fullmatch(field):
        raise StoreError(f"{field!r} cannot be indexed: a field's name has letters, digits and '_', {_LONGEST} at most")
    return field


def check_specs(specs: Sequence[TableSpec]) -> None:
    """Raises StoreError for names that cannot be used, or are used twice."""
    # SQLite's names know no upper and lower case.
    _check_unique("table", [checked_name(spec.name).lower() for spec in specs])
    for spec in specs:
        _check_unique(f"field of {spec.name!r}", [checked_field(field).lower() for field in spec.index])


def _check_unique(what: str, names: list[str]) -> None:
    for name in {name for name in names if names.count(name) > 1}:
        raise StoreError(f"the {what} {name!r} is declared twice, upper and lower case being the same: rename one")


def check_keys(keys: Collection[str]) -> None:
    """Raises StoreError for a key that some store cannot hold."""
    text = "".join(keys)
    if not text.isascii() or "\0" in text or max(map(len, keys), default=0) > MAX_KEY_BYTES:
        for key in keys:
            _check_key(key)


def _check_key(key: str) -> None:
    if len(check_text(key).encode()) > MAX_KEY_BYTES:
        raise StoreError(f"the key {key[:40]!r}… is longer than {MAX_KEY_BYTES:,} bytes: use a shorter one")


def check_text(text: str) -> str:
    """The text, as it came. Raises StoreError for what is not UTF-8, and for NUL, which PostgreSQL cannot hold."""
    if "\0" in text:
        raise StoreError(f"{text[:40]!r} has a NUL character: remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise StoreError(f"{text[:40]!r} has half a surrogate pair: remove it") from error
    return text


def index_name(table: str, field: str) -> str:
    """What the index of a field is called: no table can be called so, and PostgreSQL's 63 bytes are enough."""
    name = f"{table}:{field}"
    if len(name) <= _LONGEST_IDENTIFIER:
        return name
    digest = blake2b(name.encode(), digest_size=8).hexdigest()
    return f"{name[: _LONGEST_IDENTIFIER - len(digest) - 1]}#{digest}"
