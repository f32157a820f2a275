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
    Ways(orders=6_000, products=20, pieces=1_200, gaps=(0.02, 0.03, 0.04), delays=(0.0, 0.05, 0.5, 5.0, 40.0, 120.0)),
    {"killed": 20, "frozen": 5, "cut": 12, "delayed": 6, "broker killed": 3, "database killed": 3},
    seconds=180,
    rest_within=1_800,
)
"""All cards: those that hang are asked after for two minutes, and what is kept from all is tried again for minutes."""
