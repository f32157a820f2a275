"""How finely each currency is counted, and amounts of money as requests name them."""

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

USUAL: Final = 2
_UNUSUAL: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""ISO 4217's minor units, where they are not cents."""
_PLACES: Final = {currency: places for places, currencies in _UNUSUAL.items() for currency in currencies.split()}
_SPELLED: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def _spelled(amount: object) -> object:
    """As text, as the schema says: a number of JSON's may have been a float."""
    if not (isinstance(amount, str) and _SPELLED.fullmatch(amount)):
        raise ValueError('an amount is a text of digits, with at most one point: "12.50"')
    return amount


Amount = Annotated[
    Decimal,
    BeforeValidator(_spelled),
    Field(max_digits=13, decimal_places=4),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": ["12.50"]}),
]
"""An amount in a request; its currency stands beside it."""


def places_of(currency: str) -> int:
    """The decimal places of a currency's smallest coin."""
    return _PLACES.get(currency, USUAL)


def is_coin(amount: Decimal, currency: str) -> bool:
    """Whether it can be paid to the last digit."""
    return amount == round(amount, places_of(currency))
