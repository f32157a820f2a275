"""Intent, effect, outcome: how a command is carried out. Every step can be repeated, as the provider knows its keys."""

from dataclasses import dataclass

from agents.payments.events import PaymentAuthorize, PaymentOperation, PaymentQuery
from agents.payments.provider.port import Answer, Outcome
from agents.payments.rules import answers, intents, keys, outcomes
from agents.payments.rules.keys import Command
from agents.payments.rules.outcomes import Told
from agents.payments.seal import is_sealed, seal
from agents.payments.tables import Act, Payment, payments
from agents.payments.till import till
from streams import Conflict


@dataclass(frozen=True, slots=True)
class Case:
    """A payment with the operation that is dealt with."""

    payment: Payment
    version: int
    act: Act
    kept: bool
    """Whether the payment has the operation."""

    @property
    def name(self) -> str:
        """The operation's."""
        return keys.name(self.act.operation, self.act.refund_id)


async def carry_out(command: Command) -> Told:
    """What is to be told of the operation that a command is about, done now or earlier.

    Raises NotYet, ProviderMisused and SealError, each for the retry ladder.
    """
    case = await _opened(command)
    if case is None:
        assert isinstance(command, PaymentQuery)
        return outcomes.never_asked(command)
    if case.kept and not case.act.settled:
        case = await _closed(case, await _answer(case, look_first=isinstance(command, PaymentQuery)))
    return outcomes.told(case.payment, case.act)


async def _opened(command: Command) -> Case | None:
    """The operation, with its intent written down; None for a query of what was never wanted."""
    while True:
        payment, version = await payments.get(command.order_id)
        name = keys.name_in(command)
        if payment is not None and name in payment.acts:
            return Case(payment, version, payment.acts[name], kept=True)
        if isinstance(command, PaymentQuery):
            return None
        payment = payment or intents.new_payment(command)
        act = intents.intended(payment, command)
        if not intents.is_kept(act):
            return Case(payment, version, act, kept=False)
        payment = intents.noted(payment, act)
        if isinstance(command, PaymentAuthorize) and not act.settled:
            payment.payment_token = _sealed(command)
        try:
            return Case(payment, await payments.put(command.order_id, payment, version), act, kept=True)
        except Conflict:
            continue


def _sealed(command: PaymentAuthorize) -> str:
    """Its token as it came; one from before there were seals is sealed now."""
    token = command.payment_token
    return token if is_sealed(token) else seal.close(token, command.order_id)


async def _answer(case: Case, *, look_first: bool) -> Answer:
    """The provider's. What it never heard of it is asked for, under the same key as before."""
    payment = case.payment
    key = keys.provider_key(payment.order_id, case.name)
    if look_first:
        known = await till.look_up(key)
        if known.outcome is not Outcome.ABSENT:
            return known
    return await till.ask(key, intents.request(payment, case.act, _token(case)))


def _token(case: Case) -> str:
    if case.act.operation is not PaymentOperation.AUTHORIZE:
        return ""
    return seal.open(case.payment.payment_token or "", case.payment.order_id)


async def _closed(case: Case, answer: Answer) -> Case:
    """The operation with its outcome written down."""
    payment, version = case.payment, case.version
    while True:
        payment = answers.settled(payment, case.name, answer)
        try:
            version = await payments.put(payment.order_id, payment, version)
        except Conflict:
            payment, version = await _again(payment)
            continue
        return Case(payment, version, payment.acts[case.name], kept=True)


async def _again(payment: Payment) -> tuple[Payment, int]:
    fresh, version = await payments.get(payment.order_id)
    assert fresh is not None
    return fresh, version
