"""What analytics remembers of one visitor: the steps of late, how far each day has led, and the months they bought in.

A step is kept to the minute, and for DAYS_KEPT days before the visitor's latest one: an event that comes later than
that counts in no funnel. So a visitor is a small row, however often they come.
"""

from typing import Final

import msgspec

from streams import Record

STEPS: Final = ("viewed", "cart", "checkout", "created", "captured")
"""The way from looking to buying; a step leads on if it is taken in this order, within WITHIN."""
WITHIN: Final = 24 * 60
"""Minutes from the first step to the last."""
DAYS_KEPT: Final = 3
A_DAY: Final = 24 * 60
"""In minutes."""


class Visitor(Record):
    """Minutes and days are counted from 1970; months are `2026-01`."""

    minutes: list[list[int]] = msgspec.field(default_factory=lambda: [[] for _ in STEPS])
    """Of each step, when it was taken, in order."""
    depths: dict[int, int] = msgspec.field(default_factory=dict)
    """Day of the first step -> how many steps it has led to."""
    signup: str | None = None
    """The month that the account is from."""
    bought: list[str] = msgspec.field(default_factory=list)
    """The months with a capture, in order."""


class Funnel(Record):
    """How many visitors of a day have come so far: those who viewed, and of them those who went on within 24 hours."""

    viewed: int = 0
    cart: int = 0
    checkout: int = 0
    created: int = 0
    captured: int = 0

    def reach(self, before: int, after: int) -> None:
        """A visitor has come from one depth to another."""
        for step in STEPS[before:after]:
            setattr(self, step, getattr(self, step) + 1)


class Cohort(Record):
    """The users who signed up in one month, and how many of them bought in each month."""

    users: int = 0
    months: dict[str, int] = msgspec.field(default_factory=dict)

    def bought_in(self, month: str) -> None:
        """One more."""
        self.months[month] = self.months.get(month, 0) + 1


def funnels_together(one: Funnel, other: Funnel) -> Funnel:
    """The sum of what partitions hold."""
    return Funnel(*(getattr(one, step) + getattr(other, step) for step in STEPS))


def cohorts_together(one: Cohort, other: Cohort) -> Cohort:
    """The sum of what partitions hold."""
    months = {**one.months}
    for month, count in other.months.items():
        months[month] = months.get(month, 0) + count
    return Cohort(one.users + other.users, months)


def visitors_together(one: Visitor, other: Visitor) -> Visitor:
    """What two partitions know of a visitor, where the log is not parted by user."""
    return Visitor(
        [sorted({*ours, *theirs}) for ours, theirs in zip(one.minutes, other.minutes, strict=True)],
        {day: max(one.depths.get(day, 0), other.depths.get(day, 0)) for day in {*one.depths, *other.depths}},
        one.signup or other.signup,
        sorted({*one.bought, *other.bought}),
    )
