"""Records: typed events and table values, JSON on the wire with camelCase names."""

from typing import Any, ClassVar

import msgspec


class RecordMeta(msgspec.StructMeta):
    """Takes `event=` and `version=` beside msgspec's own options."""

    __event__: str | None
    __version_of_schema__: int

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        event: str | None = None,
        version: int = 1,
        **options: Any,
    ) -> "RecordMeta":
        cls: RecordMeta = super().__new__(mcls, name, bases, namespace, **options)
        cls.__event__ = event
        cls.__version_of_schema__ = version
        return cls


class Record(msgspec.Struct, metaclass=RecordMeta, rename="camel"):
    """A typed event or table value.

    `class OrderPaid(Record, event="order.paid", version=2)` names the event's type, which is also its routing key, and
    the version of its schema. Changes to a record are additive: unknown fields are ignored, new ones have defaults.
    """

    __event__: ClassVar[str | None]
    __version_of_schema__: ClassVar[int]
