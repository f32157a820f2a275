"""What the simulated provider makes of payment tokens."""

from enum import StrEnum
from typing import Final


class Conduct(StrEnum):
    """How the provider behaves."""

    WORK = "ok"
    DECLINE = "decline"
    """Refuses."""
    HANG = "hang"
    """Neither acts nor answers."""
    FLAKY = "flaky"
    """Is out of order for the first two tries, then works."""
    LOSE = "lost"
    """Acts, and the first answer is lost."""
    STICK = "stuck"
    """Is out of order for good."""


FLAKY_TRIES: Final = 2
_CONDUCTS: Final = {conduct.value: conduct for conduct in Conduct}
_OPERATIONS: Final = frozenset({"authorize", "capture", "void", "refund"})


def conduct(token: str, operation: str) -> Conduct:
    """`tok_decline` and `tok_decline_whatever` decline the authorization, `tok_decline_refund` the refund, and so on.

    `tok_stuck` is about the refund. Everything else works.
    """
    prefix, _, rest = token.partition("_")
    kind, _, where = rest.partition("_")
    how = _CONDUCTS.get(kind, Conduct.WORK)
    usual = "refund" if how is Conduct.STICK else "authorize"
    concerned = where if where in _OPERATIONS else usual
    return how if prefix == "tok" and operation == concerned else Conduct.WORK
