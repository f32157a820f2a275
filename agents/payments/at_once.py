"""A capture that brings its token: authorized and captured at once, and let go where it cannot be captured."""

from agents.payments.events import (
    PaymentAuthorize,
    PaymentAuthorized,
    PaymentCapture,
    PaymentCaptured,
    PaymentUnknown,
    PaymentVoid,
)
from agents.payments.rules.outcomes import Told
from agents.payments.settling import carry_out


class Unsettled(Exception):
    """Nobody knows yet what became of a payment; asking again is safe."""


async def take_at_once(command: PaymentCapture, token: str) -> list[Told]:
    """What is to be told, in order. Raises Unsettled, for the retry ladder: who sends this command asks no more."""
    order = command.order_id, command.user_id, command.amount, command.currency
    authorized = _known(await carry_out(PaymentAuthorize(*order, token)))
    if not isinstance(authorized.event, PaymentAuthorized):
        return [authorized]
    captured = _known(await carry_out(command))
    if isinstance(captured.event, PaymentCaptured):
        return [authorized, captured]
    return [authorized, _known(await carry_out(PaymentVoid(*order))), captured]


def _known(told: Told) -> Told:
    if isinstance(told.event, PaymentUnknown):
        raise Unsettled(f"what became of the payment of order {told.event.order_id} is not known: {told.event.code}")
    return told
