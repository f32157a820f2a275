"""What a simulated provider knows of one authorization, and what may be done with it; functions of values."""

from decimal import Decimal
from typing import Final

from agents.payments.provider.port import Answer, Authorize, Capture, Operation, Outcome, Void
from streams import Record

NOTHING: Final = Decimal(0)


class Account(Record):
    """The money of one authorization: 0 ≤ refunded ≤ captured ≤ authorized."""

    reference: str
    token: str
    currency: str
    authorized: Decimal
    captured: Decimal = NOTHING
    refunded: Decimal = NOTHING
    voided: bool = False


def opened(reference: str, operation: Authorize) -> Account:
    """The account of a new authorization."""
    return Account(reference, operation.token, operation.currency, operation.amount)


def unheard_of(reference: str) -> Account:
    """The account of an authorization that has not come."""
    return Account(reference, token="", currency="", authorized=NOTHING)


def done(account: Account, operation: Operation) -> Answer:
    """Do it, if it may be done: DONE, and the account has changed, or REFUSED with a code."""
    code = _objection(account, operation)
    if code:
        return Answer(Outcome.REFUSED, account.reference, code)
    match operation:
        case Authorize():
            pass
        case Capture(amount=amount):
            account.captured = amount
        case Void():
            account.voided = True
        case _:
            account.refunded += operation.amount
    return Answer(Outcome.DONE, account.reference)


def _objection(account: Account, operation: Operation) -> str:
    match operation:
        case Authorize(amount=amount):
            return _closed(account) or _too_much(amount, amount)
        case Void():
            return _closed(account)
        case Capture(amount=amount):
            return _closed(account) or _too_much(amount, account.authorized)
        case _:
            return _too_much(operation.amount, account.captured - account.refunded)


def _closed(account: Account) -> str:
    if account.captured:
        return "already_captured"
    return "voided" if account.voided else ""


def _too_much(amount: Decimal, available: Decimal) -> str:
    if amount <= 0:
        return "amount_not_positive"
    return "amount_too_large" if amount > available else ""
