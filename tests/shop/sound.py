"""A small shop in which everything is as it should be, written down by hand; tests break it in one place.

Three orders: one is paid, one was cancelled after it was paid, one was declined.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.shop.invariants.evidence import Admission, Commit, Evidence, Letter, Message, RefreshToken, Request

PAID, CANCELLED, DECLINED = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
USER: Final = "00000000-0000-0000-0000-0000000000aa"
TEA: Final = "00000000-0000-0000-0000-0000000000bb"
REFUND: Final = "00000000-0000-0000-0000-0000000000cc"
NOON: Final = 1_767_268_800_000

Table = dict[str, dict[str, Any]]


def at(second: int) -> str:
    """A second of the first minute past noon."""
    return f"2026-01-01T12:00:{second:02}Z"


def order(id: str, *path: str, payment_status: str) -> dict[str, Any]:
    """Two packets of tea for 10.00 each."""
    return {
        "id": id,
        "userId": USER,
        "items": [{"productId": TEA, "quantity": 2, "price": "10.00"}],
        "total": "20.00",
        "currency": "EUR",
        "status": path[-1],
        "paymentStatus": payment_status,
        "history": [{"status": status, "at": at(n), "by": "orders", "why": "so"} for n, status in enumerate(path)],
    }


ORDERS: Final[Table] = {
    PAID: order(PAID, "PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "PAID", payment_status="CAPTURED"),
    CANCELLED: order(
        CANCELLED,
        *("PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "PAID", "CANCELLING", "CANCELLED"),
        payment_status="REFUNDED",
    ),
    DECLINED: order(DECLINED, "PENDING", "RESERVED", "PAYMENT_FAILED", payment_status="NONE"),
}


def reservation(id: str, status: str) -> dict[str, Any]:
    lines = [{"productId": TEA, "quantity": 2}]
    return {"orderId": id, "warehouse": "main", "status": status, "lines": lines, "expiresAt": "2026-01-01T12:15:00Z"}


def stock(on_hand: int, reserved: int) -> dict[str, Any]:
    return {"productId": TEA, "warehouse": "main", "onHand": on_hand, "reserved": reserved}


def entry(id: str, operation: str, outcome: str) -> dict[str, Any]:
    return {
        "operationKey": f"{id}:{operation}",
        "outcome": outcome,
        "orderId": id,
        "amount": "20.00",
        "currency": "EUR",
    }


LEDGER: Final = [
    entry(PAID, "authorize", "authorized"),
    entry(PAID, "capture", "captured"),
    entry(CANCELLED, "authorize", "authorized"),
    entry(CANCELLED, "capture", "captured"),
    entry(CANCELLED, f"refund:{REFUND}", "refunded"),
    entry(DECLINED, "authorize", "failed"),
]


def balance(id: str, captured: str, refunded: str) -> dict[str, Any]:
    return {"orderId": id, "authorized": "20.00", "captured": captured, "refunded": refunded}


def account(reference: str, captured: str, refunded: str, *, voided: bool = False) -> dict[str, Any]:
    return {
        "reference": reference,
        "currency": "EUR",
        "authorized": "20.00",
        "captured": captured,
        "refunded": refunded,
        "voided": voided,
    }


def notification(about: str, template: str) -> dict[str, Any]:
    return {
        "id": f"{about}:{template}:email:{USER}",
        "type": "email",
        "recipient": USER,
        "template": template,
        "status": "SENT",
        "data": {},
    }


def tables() -> dict[str, Table]:
    """All tables, as values."""
    notes = [notification(PAID, "order_paid"), notification(CANCELLED, "order_paid")]
    return {
        "orders.orders": dict(ORDERS),
        "inventory.stock": {f"main|{TEA}": stock(8, 0)},
        "inventory.reservations": {
            f"main|{PAID}": reservation(PAID, "COMMITTED"),
            f"main|{CANCELLED}": reservation(CANCELLED, "RESTOCKED"),
            f"main|{DECLINED}": reservation(DECLINED, "RELEASED"),
        },
        "inventory.receipts": {"main|r": {"warehouse": "main", "lines": [{"productId": TEA, "quantity": 10}]}},
        "payments.ledger": {f"{line['operationKey']}:{line['outcome']}": line for line in LEDGER},
        "payments.balances": {
            PAID: balance(PAID, "20.00", "0.00"),
            CANCELLED: balance(CANCELLED, "20.00", "20.00"),
        },
        "notifications.notifications": {note["id"]: note for note in notes},
        "analytics.revenue": {"EUR|2026-01-01T00:00:00Z": {"amount": "20.00", "orders": 2}},
    }


def _events() -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for id, of_order in ORDERS.items():
        about = {"orderId": id, "userId": USER, "currency": "EUR"}
        told = {**about, "total": "20.00"}
        lines = {**about, "lines": [{"productId": TEA, "quantity": 2}]}
        found += [("order.created", told), ("inventory.reserved", lines)]
        for status in [step["status"] for step in of_order["history"]]:
            if status in {"PAID", "CANCELLED", "PAYMENT_FAILED"}:
                found.append((f"order.{status.lower()}", told))
        if id != DECLINED:
            found.append(("inventory.committed", lines))
        if id != PAID:
            found.append(("inventory.restocked" if id == CANCELLED else "inventory.released", lines))
    for line in LEDGER:
        operation, _, refund = line["operationKey"].partition(":")[2].partition(":")
        body = {"orderId": line["orderId"], "amount": "20.00", "currency": "EUR", "operation": operation}
        found.append((f"payment.{line['outcome']}", {**body, "refundId": refund or None}))
    found += [("notification.sent", {"id": notification(id, "order_paid")["id"]}) for id in (PAID, CANCELLED)]
    return found


def messages() -> list[Message]:
    """The log of all events; each order's events are caused by the one before."""
    found: list[Message] = []
    last: dict[str, str] = {}
    for number, (type, body) in enumerate(_events()):
        id, order = f"m{number}", str(body.get("orderId", ""))
        found.append(Message(type, id, encoded(body), number, NOON, f"c-{order}", last.get(order, "")))
        last[order] = id
    return found


def encoded(value: Mapping[str, Any]) -> bytes:
    """As it lies in a store."""
    return json.dumps(value).encode()


def sound(change: Callable[[dict[str, Table]], None] = lambda tables: None) -> Evidence:
    """The evidence; `change` may change the tables first."""
    values = tables()
    change(values)
    rows = {name: {key: encoded(value) for key, value in table.items()} for name, table in values.items()}
    log = messages()
    return Evidence(
        tables=rows,
        logs={"analytics.all.events": log, "payments.ledger": [m for m in log if m.type.startswith("payment.")]},
        history=[Commit(rows)],
        operations={
            f"{id}:authorize": encoded({"answer": {"outcome": "done", "reference": f"auth_{id}"}})
            for id in (PAID, CANCELLED)
        },
        accounts={
            f"auth_{PAID}": encoded(account(f"auth_{PAID}", "20.00", "0")),
            f"auth_{CANCELLED}": encoded(account(f"auth_{CANCELLED}", "20.00", "20.00")),
        },
        now=NOON + 3_600_000,
        published={message.id: message.type for message in log},
        again={"rebuilt": rows, "repeated": rows},
        requests=[Request(USER, f"k-{id}", id) for id in ORDERS],
        letters=[Letter(id, "order_paid", "email", USER) for id in (PAID, CANCELLED)],
        refresh_tokens=[RefreshToken("f", spent=True), RefreshToken("f", spent=False)],
        admissions=[Admission("10.0.0.1", 0.5 * n) for n in range(100)],
    )
