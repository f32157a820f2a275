"""Topic patterns (AMQP 0-9-1, section 3.1.3.3): words separated by dots, `*` is one word, `#` is any number of words."""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Each word brings its own leading dot, so that "#" can stand for no word at all and take no dot with it.
    parts = {"*": r"\.[^.]*", "#": r"(?:\.[^.]*)*"}
    return re.compile("".join(parts.get(word, r"\." + re.escape(word)) for word in pattern.split(".")))


def matches(pattern: str, key: str) -> bool:
    """Whether a routing key matches a topic pattern."""
    if "#" not in pattern and "*" not in pattern:
        return pattern == key
    if pattern == "#":
        return True
    return _compiled(pattern).fullmatch("." + key) is not None
