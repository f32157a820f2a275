"""Where a payment stands."""

from typing import Final

from agents.payments.events import PaymentOperation
from agents.payments.rules.keys import AUTHORIZE, CAPTURE, VOID
from agents.payments.tables import Act, Payment, Standing, State

STUCK_AFTER: Final = 5
"""Answers that say nothing, after which a refund is stuck."""


def is_stuck(act: Act) -> bool:
    """Whether it is a refund that somebody has to look after."""
    if act.operation is not PaymentOperation.REFUND:
        return False
    return act.state is State.REFUSED or (not act.settled and act.unanswered >= STUCK_AFTER)


def standing(payment: Payment) -> Standing:
    """Where the payment stands: what needs somebody first, then the furthest that was reached."""
    acts = payment.acts.values()
    if any(is_stuck(act) for act in acts):
        return Standing.STUCK
    if any(act.state is State.UNKNOWN for act in acts):
        return Standing.UNKNOWN
    for name, reached in ((CAPTURE, Standing.CAPTURED), (VOID, Standing.VOIDED)):
        if name in payment.acts and payment.acts[name].state is State.DONE:
            return reached
    if any(name in payment.acts and _is_no(payment.acts[name]) for name in (AUTHORIZE, CAPTURE)):
        return Standing.FAILED
    authorized = AUTHORIZE in payment.acts and payment.acts[AUTHORIZE].state is State.DONE
    return Standing.AUTHORIZED if authorized else Standing.OPEN


def _is_no(act: Act) -> bool:
    return act.state in (State.REFUSED, State.MISFIT)
