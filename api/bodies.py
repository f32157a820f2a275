"""What bodies of requests and answers have in common: camelCase names, money as text, pages."""

from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Body(BaseModel):
    """A body, or a part of one. Fields that it does not know are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True)


def plain(amount: Decimal) -> str:
    """Digits and a point, never an exponent."""
    return format(amount, "f")


_MONEY_SCHEMA = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["12.50"]}

Money = Annotated[Decimal, PlainSerializer(plain, return_type=str), WithJsonSchema(_MONEY_SCHEMA)]
"""An amount as a decimal string; its currency stands beside it."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""

Text = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
    ),
]
"""One line, also to those who read Unicode's ends of lines, without control characters: databases cannot hold all of
them."""


class Page(Body, Generic[T]):
    """Items, and what to ask for the next ones with; null at the end."""

    items: list[T]
    next_cursor: str | None = None
