"""The agents of payments: one does what it is told and tells what became of it, one keeps the ledger of that."""

from typing import Any

from agents.payments.rules import entries
from agents.payments.rules.happened import Happened, line_of
from agents.payments.rules.keys import Command
from agents.payments.settling import carry_out
from agents.payments.tables import app, balances, ledger
from streams import Stream

commands = app.topic("payments.commands", value_type=Command)
events = app.topic("payment.events", value_type=Happened)
outcomes = app.topic("payments.ledger", value_type=Happened)


@app.agent(commands, name="payments", concurrency=256, prefetch=512)
async def settle(stream: Stream[Command]) -> None:
    """Each command is answered, the same one with the same event however often it comes."""
    async for command in stream:
        told = await carry_out(command)
        await events.send(value=told.event, key=told.event.order_id, id=told.id)


@app.agent(outcomes, name="ledger")
async def record(stream: Stream[Any]) -> None:
    """A line for each operation and outcome that has none yet, and the sums of its order."""
    async for event in stream.events():
        line = line_of(event.value)
        if line not in ledger:
            ledger[line] = entries.entry_of(event.value, event.time)
            balances[event.value.order_id] = entries.added(balances.get(event.value.order_id), ledger[line])
