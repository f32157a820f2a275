"""The courses of chaos: the short one of `make test`, and the long one of `make prove-shop`."""

from typing import Final

from tests.shop.chaos import Course
from tests.shop.life import Ways

QUICK: Final = (*("tok_ok",) * 6, "tok_decline", "tok_decline_capture", "tok_lost", "tok_lost_capture")
"""Cards whose payments are over within seconds."""

SHORT: Final = Course(
    Ways(orders=60, pieces=60, gaps=(0.1,), delays=(0.0, 0.05, 0.5, 2.0), tokens=QUICK),
    {"killed": 2, "cut": 1, "broker killed": 1, "database killed": 1},
    seconds=8,
    rest_within=90,
)
LONG: Final = Course(
    Ways(orders=10_000, products=20, pieces=2_000, gaps=(0.02, 0.03, 0.04)),
    {"killed": 30, "frozen": 8, "cut": 20, "delayed": 10, "broker killed": 4, "database killed": 4},
    seconds=400,
    rest_within=3_600,
)
"""All cards: those that hang are asked after for two minutes, and what is kept from all is tried again for minutes."""
