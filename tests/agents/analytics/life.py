"""Events of the shop, for tests of analytics: what happened, when, in an order that the test chooses."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from agents.analytics.events import CartAdded, CheckoutStarted, ProductViewed
from agents.auth.events import Profile, UserCreated
from agents.orders.events import Address, Line, OrderCreated, OrderPaid
from agents.payments.events import PaymentCaptured, PaymentFailed, PaymentOperation, PaymentRefunded
from streams import Record

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HOME = Address("A", "1 Street", "Town", "1000", "NL")
LAMP, BOOTS = UUID(int=71), UUID(int=72)


@dataclass(frozen=True)
class Happening:
    """A record, and when it happened (ms)."""

    record: Record
    at: int

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.at / 1000, UTC)


def user(number: int) -> UUID:
    return UUID(int=1_000 + number)


def order(number: int) -> UUID:
    return UUID(int=2_000 + number)


def created(
    number: int, by: int, total: str = "10.00", *lines: tuple[UUID, int], currency: str = "EUR"
) -> OrderCreated:
    items = [Line(product, quantity, Decimal("1.00")) for product, quantity in lines or ((LAMP, 1),)]
    return OrderCreated(order(number), user(by), items, Decimal(total), currency, HOME)


def paid(number: int, by: int, total: str = "10.00") -> OrderPaid:
    return OrderPaid(order(number), user(by), Decimal(total), "EUR")


def captured(number: int, by: int, amount: str = "10.00", currency: str = "EUR") -> PaymentCaptured:
    return PaymentCaptured(UUID(int=number), order(number), user(by), Decimal(amount), currency)


def refunded(number: int, by: int, amount: str, refund: int = 1, currency: str = "EUR") -> PaymentRefunded:
    return PaymentRefunded(UUID(int=number), order(number), user(by), Decimal(amount), currency, UUID(int=refund))


def failed(number: int, by: int, operation: PaymentOperation = PaymentOperation.AUTHORIZE) -> PaymentFailed:
    return PaymentFailed(UUID(int=number), order(number), user(by), Decimal(10), "EUR", "declined", operation)


def signed_up(number: int) -> UserCreated:
    return UserCreated(user(number), "a@b.example", Profile(), ["customer"])


def viewed(number: int) -> ProductViewed:
    return ProductViewed("s", user(number), LAMP)


def put_in_cart(number: int) -> CartAdded:
    return CartAdded("s", user(number), LAMP)


def checked_out(number: int) -> CheckoutStarted:
    return CheckoutStarted("s", user(number))
