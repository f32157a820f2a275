"""What agents decide by and the composition root may say otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Setting(Generic[T]):
    """A value with a default. Agents keep in their tables what came of it: a change counts for what comes after it."""

    def __init__(self, default: T) -> None:
        self._value = default

    @property
    def value(self) -> T:
        """What holds now."""
        return self._value

    @contextmanager
    def on(self, value: T) -> Iterator[None]:
        """As long as the context lasts, this holds instead."""
        before, self._value = self._value, value
        try:
            yield
        finally:
            self._value = before
