"""What is kept once the provider has answered."""

from typing import Final

from msgspec.structs import replace

from agents.payments.events import PaymentOperation
from agents.payments.provider.port import Answer, Outcome
from agents.payments.rules.keys import AUTHORIZE, CAPTURE
from agents.payments.rules.standing import standing
from agents.payments.tables import Act, Payment, State

NAMELESS: Final = "no_reference"
"""The code of a yes to an authorization that does not name it: nothing could be captured of it."""


def settled(payment: Payment, name: str, answer: Answer) -> Payment:
    """The payment with the answer to one operation. An outcome that is known stays."""
    act = payment.acts[name]
    if not act.settled:
        payment.acts = {**payment.acts, name: _answered(act, answer)}
        if payment.acts[name].state is State.DONE:
            _follow(payment, act, answer)
        if AUTHORIZE not in payment.acts or payment.acts[AUTHORIZE].settled:
            payment.payment_token = None
    payment.state = standing(payment)
    return payment


def _answered(act: Act, answer: Answer) -> Act:
    match answer.outcome:
        case Outcome.DONE if act.operation is PaymentOperation.AUTHORIZE and not answer.reference:
            return replace(act, state=State.UNKNOWN, code=NAMELESS, unanswered=act.unanswered + 1)
        case Outcome.DONE:
            return replace(act, state=State.DONE, code=None)
        case Outcome.REFUSED:
            return replace(act, state=State.REFUSED, code=answer.code)
        case _:
            code = answer.code or answer.outcome
            return replace(act, state=State.UNKNOWN, code=code, unanswered=act.unanswered + 1)


def _follow(payment: Payment, act: Act, answer: Answer) -> None:
    """What else follows from something that is done."""
    if act.operation is PaymentOperation.AUTHORIZE:
        payment.reference = answer.reference
    if act.operation is PaymentOperation.VOID:
        # The provider has promised it: whatever else comes, or came, of these holds no money.
        over = {
            name: replace(payment.acts[name], state=State.REFUSED, code="voided")
            for name in (AUTHORIZE, CAPTURE)
            if name in payment.acts and not payment.acts[name].settled
        }
        payment.acts = {**payment.acts, **over}
