"""Durations and sizes as topology files write them: `500ms`, `30s`, `2m`, `12h`, `90d`; `64KB`, `5GB`, `2GiB`."""

import re
from datetime import timedelta

from topology.errors import TopologyError

_DURATIONS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_SIZES = {
    "TB": 10**12,
    "GB": 10**9,
    "MB": 10**6,
    "KB": 10**3,
    "TiB": 2**40,
    "GiB": 2**30,
    "MiB": 2**20,
    "KiB": 2**10,
    "B": 1,
}


def parse_duration(text: str) -> timedelta:
    """A positive duration. Raises TopologyError where the text is not one."""
    hint = "write a whole number above 0 and a unit, such as 500ms, 30s, 2m, 12h or 90d"
    amount, unit = _split(text, _DURATIONS, f"{text!r} is not a duration: {hint}")
    try:
        return amount * _DURATIONS[unit]
    except OverflowError:
        raise TopologyError(f"the duration {text!r} is too long") from None


def format_duration(duration: timedelta) -> str:
    """A text that `parse_duration` reads as this duration (whole milliseconds, above 0)."""
    unit = next(name for name, length in _DURATIONS.items() if not duration % length)
    return f"{duration // _DURATIONS[unit]}{unit}"


def parse_bytes(text: str) -> int:
    """A positive number of bytes. Raises TopologyError where the text is not one."""
    hint = "write a whole number above 0 and a unit, such as 64KB, 500MB, 5GB or 2GiB"
    amount, unit = _split(text, _SIZES, f"{text!r} is not a size: {hint}")
    return amount * _SIZES[unit]


def format_bytes(size: int) -> str:
    """A text that `parse_bytes` reads as this number of bytes."""
    unit = next(name for name, length in _SIZES.items() if not size % length)
    return f"{size // _SIZES[unit]}{unit}"


def _split(text: str, units: dict[str, timedelta] | dict[str, int], message: str) -> tuple[int, str]:
    found = re.fullmatch(r"([0-9]{1,18})([A-Za-z]+)", text)
    if found is None or found[2] not in units or int(found[1]) == 0:
        raise TopologyError(message)
    return int(found[1]), found[2]
