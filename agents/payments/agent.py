"""The payments agent: intent, effect, outcome. Every step can be repeated: the provider knows the idempotency keys."""

from agents.payments import rules
from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from agents.payments.provider.port import Answer, Authorize, Capture, Outcome, Void
from agents.payments.tables import Payment, State, app, payments
from agents.payments.till import till
from streams import Stream

commands = app.topic("payments.commands", value_type=PaymentCapture)
events = app.topic("payment.events", value_type=PaymentCaptured | PaymentFailed)


class Unsettled(Exception):
    """Nobody knows yet what became of a payment; asking again is safe."""


@app.agent(commands, name="payments", concurrency=256, prefetch=512)
async def take_money(stream: Stream[PaymentCapture]) -> None:
    """Ask the provider once for each order, and tell the outcome."""
    async for command in stream:
        payment = await settle(command)
        await events.send(value=rules.told(payment), key=payment.order_id)


async def settle(command: PaymentCapture) -> Payment:
    """The payment of this command's order, settled now or earlier. Raises Unsettled: the retry ladder asks again."""
    payment, version = await payments.get(command.order_id)
    if payment is None:
        payment = rules.intent(command)
        version = await payments.put(command.order_id, payment, 0)
    if payment.state is not State.CAPTURING:
        return payment
    if command.payment_token is None:
        raise Unsettled(f"the payment of order {command.order_id} was not authorized")
    answer = await take(command, command.payment_token)
    if answer.outcome is Outcome.UNKNOWN:
        raise Unsettled(f"what became of the payment of order {command.order_id} is not known: {answer.code}")
    payment = rules.settled(payment, answer)
    await payments.put(command.order_id, payment, version)
    return payment


async def take(command: PaymentCapture, token: str) -> Answer:
    """Have the money authorized and captured; what was authorized and cannot be captured is let go."""
    key = rules.idempotency_key
    authorized = await till.ask(key(command, "authorize"), Authorize(token, command.amount, command.currency))
    if authorized.outcome is not Outcome.DONE or authorized.reference is None:
        return authorized
    captured = await till.ask(key(command, "capture"), Capture(authorized.reference, command.amount))
    if captured.outcome is not Outcome.REFUSED:
        return captured
    voided = await till.ask(key(command, "void"), Void(authorized.reference))
    return voided if voided.outcome is Outcome.UNKNOWN else captured
