"""Topic patterns (AMQP 0-9-1, section 3.1.3.3): words separated by dots, `*` is one word, `#` any number of words."""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Each word brings its own leading dot, so that "#" can stand for no word at all and take no dot with it.
    parts = {"*": r"\.[^.]*", "#": r"(?:\.[^.]*)*"}
    return re.compile("".join(parts.get(word, r"\." + re.escape(word)) for word in pattern.split(".")))


def matches(pattern: str, key: str) -> bool:
    """Whether a routing key matches a topic pattern. The empty key has no words."""
    if "#" not in pattern and "*" not in pattern:
        return pattern == key
    if pattern == "#":
        return True
    return _compiled(pattern).fullmatch("." + key if key else "") is not None


def overlaps(left: str, right: str) -> bool:
    """Whether some routing key matches both topic patterns."""
    return _overlap(tuple(left.split(".")), tuple(right.split(".")))


@lru_cache(maxsize=4096)
def _overlap(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    if not left or not right:
        return all(word == "#" for word in (*left, *right))
    if "#" in (left[0], right[0]):
        return _overlap(left[1:], right) or _overlap(left, right[1:])
    return ("*" in (left[0], right[0]) or left[0] == right[0]) and _overlap(left[1:], right[1:])
