"""The payments agent: intent, effect, outcome. Every step can be repeated: the provider knows the idempotency key."""

from agents.payments import rules
from agents.payments.events import PaymentCapture, PaymentCaptured, PaymentFailed
from agents.payments.provider import InProcessProvider, Provider
from agents.payments.tables import Payment, State, app, payments
from streams import Stream

commands = app.topic("payments.commands", value_type=PaymentCapture)
events = app.topic("payment.events", value_type=PaymentCaptured | PaymentFailed)

provider: Provider = InProcessProvider()


@app.agent(commands, name="payments", concurrency=256, prefetch=512)
async def take_money(stream: Stream[PaymentCapture]) -> None:
    """Ask the provider once for each order, and tell the outcome."""
    async for event in stream.events():
        payment = await settle(event.value, event.attempt)
        await events.send(value=rules.told(payment), key=payment.order_id)


async def settle(command: PaymentCapture, attempt: int) -> Payment:
    """The payment of this command's order, settled now or earlier."""
    payment, version = await payments.get(command.order_id)
    if payment is None:
        payment = rules.intent(command)
        version = await payments.put(command.order_id, payment, 0)
    if payment.state is not State.CAPTURING:
        return payment
    answer = await provider.capture(
        rules.idempotency_key(command), command.payment_token, payment.amount, payment.currency, attempt=attempt
    )
    payment = rules.settled(payment, answer)
    await payments.put(command.order_id, payment, version)
    return payment
