"""What no view shows: the values of fields whose names say that they are secret."""

import re
from typing import Any, Final

import orjson

HIDDEN: Final = "***"

_SECRET: Final = r"letter_?body|payment_?token|access_?token|refresh_?token|token_?hash|password(_?hash)?|secret"
_NAMES: Final = re.compile(_SECRET, re.IGNORECASE)
# Escapes may spell a name too: whatever holds one is looked at closely.
_SUSPECT: Final = re.compile(rb"\\u|" + _SECRET.encode(), re.IGNORECASE)


def is_hidden(field: str) -> bool:
    """Whether a field's value is never shown."""
    return _NAMES.fullmatch(field) is not None


def shown(value: bytes) -> orjson.Fragment:
    """A JSON text as views show it."""
    if not _SUSPECT.search(value):
        return orjson.Fragment(value)
    return orjson.Fragment(orjson.dumps(_without_secrets(orjson.loads(value))))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if is_hidden(name) else _without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
