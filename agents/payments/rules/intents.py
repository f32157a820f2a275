"""What is kept before the provider is asked: that it will be, or why it is not."""

from decimal import Decimal
from typing import Final

from agents.payments.events import PaymentAuthorize, PaymentCapture, PaymentOperation, PaymentVoid
from agents.payments.provider.port import Authorize, Capture, Operation, Refund, Void
from agents.payments.rules import keys
from agents.payments.rules.keys import AUTHORIZE, CAPTURE, VOID, Wish
from agents.payments.rules.standing import standing
from agents.payments.tables import NOTHING, Act, Payment, State

MOST: Final = Decimal(10**12)
"""No single amount is as much; a number with many digits is a mistake, and adding it up would be another."""

Judgement = tuple[State, str | None]
"""How an operation begins, and why so."""

GO: Final[Judgement] = (State.ASKED, None)


class NotYet(Exception):
    """An operation that this one builds on is under way: the retry ladder asks again."""


def new_payment(wish: Wish) -> Payment:
    """The payment of an order, with nothing done yet."""
    return Payment(keys.payment_id(wish.order_id), wish.order_id, wish.user_id, wish.amount, wish.currency)


def intended(payment: Payment, wish: Wish) -> Act:
    """The operation as it begins. Raises NotYet.

    One that begins UNKNOWN builds on another that is not known: it is not kept, and the provider not asked.
    """
    state, code = _judged(payment, wish)
    return Act(keys.operation_of(wish), wish.amount, state, keys.refund_of(wish), code)


def is_kept(act: Act) -> bool:
    """Whether the operation is written down: not one that has begun UNKNOWN."""
    return act.state is not State.UNKNOWN


def noted(payment: Payment, act: Act) -> Payment:
    """The payment with the intent."""
    payment.acts = {**payment.acts, keys.name(act.operation, act.refund_id): act}
    payment.state = standing(payment)
    return payment


def request(payment: Payment, act: Act, token: str) -> Operation:
    """What the provider is asked for. `token` counts for an authorization alone."""
    match act.operation:
        case PaymentOperation.AUTHORIZE:
            return Authorize(token, act.amount, payment.currency)
        case PaymentOperation.VOID:
            return Void(keys.provider_key(payment.order_id, AUTHORIZE))
        case PaymentOperation.CAPTURE:
            return Capture(payment.reference or "", act.amount)
        case _:
            return Refund(payment.reference or "", act.amount)


def payable(amount: Decimal) -> bool:
    """Whether it is an amount that somebody may pay."""
    return amount.is_finite() and 0 < amount < MOST


def _judged(payment: Payment, wish: Wish) -> Judgement:
    if isinstance(wish, PaymentVoid):
        return _misfit("already_captured") if _is_done(payment, CAPTURE) else GO
    if wish.currency != payment.currency:
        return _misfit("other_currency")
    if not payable(wish.amount):
        return _misfit("amount_not_payable")
    match wish:
        case PaymentAuthorize():
            return _misfit("voided") if _is_done(payment, VOID) else GO
        case PaymentCapture():
            return _judged_capture(payment, wish.amount)
        case _:
            return _judged_refund(payment, wish.amount)


def _judged_capture(payment: Payment, amount: Decimal) -> Judgement:
    if _is_done(payment, VOID):
        return _misfit("voided")
    return _judged_part(payment.acts.get(AUTHORIZE), amount, "authorized")


def _judged_refund(payment: Payment, amount: Decimal) -> Judgement:
    return _judged_part(payment.acts.get(CAPTURE), amount + _given_back(payment), "captured")


def _judged_part(base: Act | None, amount: Decimal, what: str) -> Judgement:
    """Whether so much may be taken from what was done before."""
    if base is None or base.state in (State.REFUSED, State.MISFIT):
        return _misfit(f"not_{what}")
    if base.state is State.ASKED:
        raise NotYet(f"whether it is {what} is about to be known")
    if base.state is State.UNKNOWN:
        return State.UNKNOWN, f"perhaps_not_{what}"
    return _misfit("amount_too_large") if amount > base.amount else GO


def _given_back(payment: Payment) -> Decimal:
    """What is given back, or may be."""
    refunds = (act for act in payment.acts.values() if act.operation is PaymentOperation.REFUND)
    return sum((act.amount for act in refunds if act.state not in (State.REFUSED, State.MISFIT)), NOTHING)


def _is_done(payment: Payment, name: str) -> bool:
    act = payment.acts.get(name)
    return act is not None and act.state is State.DONE


def _misfit(code: str) -> Judgement:
    return State.MISFIT, code
