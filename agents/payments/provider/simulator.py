"""A simulated provider. Its tokens say how it behaves; it does the same in this process and as a service."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from agents.payments.provider import account
from agents.payments.provider.account import Account
from agents.payments.provider.book import Book, Entry
from agents.payments.provider.port import Answer, Authorize, Operation, Outcome, ProviderMisused, Void
from agents.payments.provider.tokens import FLAKY_TRIES, Conduct, conduct

REFERENCES: Final = UUID("7a5a1a0c-6a5f-5f62-8f6e-3f3c0c2f9d4e")
"""Namespace of references, which follow from the keys of authorizations."""
DECLINED: Final = "card_declined"
UNHEARD: Final = Answer(Outcome.ABSENT)


class Fault(StrEnum):
    """What goes wrong with an answer on its way."""

    NONE = "none"
    HANG = "hang"
    OUT_OF_ORDER = "out_of_order"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and whether the one who asked hears it."""

    answer: Answer
    fault: Fault = Fault.NONE


class Simulator:
    """A Provider in this process: nobody waits here, so what hangs or is lost is answered UNKNOWN at once."""

    def __init__(self, book: Book | None = None) -> None:
        self._book = book or Book()

    async def ask(self, key: str, operation: Operation) -> Answer:
        """As Provider."""
        reply = self.take(key, operation)
        return reply.answer if reply.fault is Fault.NONE else Answer(Outcome.UNKNOWN, code=reply.fault)

    async def look_up(self, key: str) -> Answer:
        """As Provider."""
        return self.known(key)

    async def close(self) -> None:
        """Close the book."""
        self._book.close()

    def known(self, key: str) -> Answer:
        """What became of an operation."""
        entry = self._book.entry(key)
        return UNHEARD if entry is None or entry.answer is None else entry.answer

    def take(self, key: str, operation: Operation) -> Reply:
        """Do it, as its token would have it. Raises ProviderMisused where the key stands for another operation."""
        with self._book.writing():
            entry = self._book.entry(key) or Entry(operation, 0)
            if entry.asked != operation:
                raise ProviderMisused(f"the idempotency key {key!r} was used for another operation: give this its own")
            if entry.answer is not None:
                return Reply(entry.answer)
            return self._first(key, entry)

    def _first(self, key: str, entry: Entry) -> Reply:
        concerned = self._concerned(key, entry.asked)
        if concerned is None:
            return Reply(Answer(Outcome.REFUSED, code="no_such_authorization"))
        how = conduct(concerned.token, type(entry.asked).__name__.lower())
        entry.tries += 1
        fault = _fault(how, entry.tries)
        if fault is Fault.NONE or fault is Fault.LOST:
            entry.answer = self._answer(how, concerned, entry.asked)
        self._book.put_entry(key, entry)
        return Reply(entry.answer or Answer(Outcome.UNKNOWN), fault)

    def _concerned(self, key: str, operation: Operation) -> Account | None:
        match operation:
            case Authorize():
                reference = _reference(key)
                return self._book.account(reference) or account.opened(reference, operation)
            case Void(authorization=authorization):
                reference = _reference(authorization)
                return self._book.account(reference) or account.unheard_of(reference)
            case _:
                return self._book.account(operation.reference)

    def _answer(self, how: Conduct, concerned: Account, operation: Operation) -> Answer:
        if how is Conduct.DECLINE:
            return Answer(Outcome.REFUSED, code=DECLINED)
        answer = account.done(concerned, operation)
        if answer.outcome is Outcome.DONE:
            self._book.put_account(concerned)
        return answer


def _reference(key: str) -> str:
    """The reference of the authorization with this key."""
    return f"auth_{uuid5(REFERENCES, key).hex}"


def _fault(how: Conduct, tries: int) -> Fault:
    if how is Conduct.HANG:
        return Fault.HANG
    if how is Conduct.STICK or (how is Conduct.FLAKY and tries <= FLAKY_TRIES):
        return Fault.OUT_OF_ORDER
    if how is Conduct.LOSE and tries == 1:
        return Fault.LOST
    return Fault.NONE
