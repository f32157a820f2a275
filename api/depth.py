"""How deeply JSON is nested."""

from typing import Any


def deeper(value: object, limit: int) -> bool:
    """Whether objects and arrays lie more than `limit` levels within one another."""
    level: list[Any] = [value]
    for _ in range(limit):
        inner = (item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer))
        level = [item for item in inner if isinstance(item, dict | list)]
    return bool(level)


def may_be_deeper(text: bytes, limit: int) -> bool:
    """The same by a glance at a JSON text: False is certain."""
    return text.count(b"{") + text.count(b"[") > limit
