"""`make demo`: soon ready, ends cleanly on Ctrl-C, and goes on from where it was, after SIGKILL too."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.replay.command import WARREN, Command
from tests.servers.guard import Guard

READY = 120.0
"""Seconds from the start to the first answer, at the most."""
STOPPED = 30.0
"""Seconds from Ctrl-C to the end, at the most."""
PATIENCE = 200.0
"""Seconds for what the shop does, on a machine that does much else."""
pytestmark = pytest.mark.timeout(900)
UNDER_WAY = {"PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "CANCELLING"}
ENDED = {"DELIVERED", "REJECTED", "EXPIRED", "PAYMENT_FAILED", "CANCELLED"}
MAKE = ("make", "--silent", "--assume-old", ".venv/.runtime")
"""What is installed already is not installed again."""
USER = str(uuid4())


@pytest.mark.parametrize("program", [WARREN, MAKE], ids=["warren", "make"])
def test_ctrl_c_ends_the_demo_and_the_next_one_goes_on(guard: Guard, tmp_path: Path, program: tuple[str, ...]) -> None:
    with _demo(guard, tmp_path, program) as (demo, shop):
        shop.waits_until(lambda: shop.finished() >= 20)
        demo.signal(signal.SIGINT)
        assert demo.ends(within=STOPPED) in {0, 130, -signal.SIGINT}, demo.report("it ended badly")
        assert "the next demo goes on from here" in demo.errors
        assert "Traceback" not in demo.errors, demo.errors
        _is_gone(demo)
        before = shop.last
    with _demo(guard, tmp_path, program) as (_, shop):
        assert before.keys() <= shop.orders().keys(), "orders are lost"
        ended = {id: order for id, order in before.items() if order[0] in ENDED}
        assert ended.items() <= shop.orders().items(), "orders that have ended are not as they were"
        shop.waits_until(lambda: shop.finished() >= len(before) + 20)


def test_what_was_accepted_survives_sigkill(guard: Guard, tmp_path: Path) -> None:
    accepted: set[str] = set()
    for _ in range(3):
        with _demo(guard, tmp_path) as (demo, shop):
            accepted |= {shop.place() for _ in range(10)}
            demo.kill()
    with _demo(guard, tmp_path, rate="0.01") as (_, shop):
        shop.waits_until(lambda: {shop.status(order) for order in accepted} == {"PAID"})
        shop.waits_until(lambda: shop.revenue() == shop.paid())


class Shop:
    """The demo as its clients see it."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        products = self._get("/api/products")["items"]
        self._product = next(product["id"] for product in products if product["currency"] == "EUR")
        self.last: dict[str, tuple[str, str, str]] = {}

    def _get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()

    def orders(self) -> dict[str, tuple[str, str, str]]:
        """Id -> status, currency and total of every order."""
        found: dict[str, tuple[str, str, str]] = {}
        cursor = ""
        while True:
            page = self._get(f"/api/tables/orders?limit=1000{cursor}")
            for row in page["items"]:
                order = row["value"]
                found[order["id"]] = order["status"], order["currency"], order["total"]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    def finished(self) -> int:
        """How many orders have ended, or are paid; they are kept in `last`."""
        self.last = {id: order for id, order in self.orders().items() if order[0] not in UNDER_WAY}
        return len(self.last)

    def status(self, order: str) -> str:
        answer = self._http.get(f"/api/orders/{order}")
        return str(answer.json()["status"]) if answer.is_success else ""

    def paid(self) -> dict[str, Decimal]:
        """Currency -> what payments has taken and not given back; zero sums are left out."""
        sums: dict[str, Decimal] = {}
        cursor = ""
        while True:
            page = self._get(f"/api/tables/balances?limit=1000{cursor}")
            for balance in (row["value"] for row in page["items"]):
                left = Decimal(balance["captured"]) - Decimal(balance["refunded"])
                sums[balance["currency"]] = sums.get(balance["currency"], Decimal(0)) + left
            if page["nextCursor"] is None:
                return {currency: amount for currency, amount in sums.items() if amount}
            cursor = f"&cursor={page['nextCursor']}"

    def revenue(self) -> dict[str, Decimal]:
        """Currency -> what analytics has counted."""
        found = {each["currency"]: Decimal(each["total"]) for each in self._get("/api/analytics/revenue")["items"]}
        return {currency: amount for currency, amount in found.items() if amount}

    def place(self) -> str:
        """Order something; the id of the order, which is accepted."""
        cart = {
            "userId": USER,
            "items": [{"productId": self._product, "quantity": 1}],
            "currency": "EUR",
            "paymentToken": "tok_ok",
            "shippingAddress": {"name": "A", "line1": "1", "city": "B", "postalCode": "C", "country": "NL"},
        }
        answer = self._http.post("/api/orders", json=cart, headers={"Idempotency-Key": str(uuid4())})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def waits_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s; revenue is {self.revenue()}"
            time.sleep(0.1)


@contextmanager
def _demo(
    guard: Guard, data: Path, program: tuple[str, ...] = WARREN, *, rate: str = "8"
) -> Iterator[tuple[Command, Shop]]:
    """A demo that is ready, and a client of it."""
    options = ["--port", "0", "--rate", rate, "--data", str(data)]
    arguments = ["demo", f"ARGS={' '.join(options)}"] if program == MAKE else ["demo", *options]
    with Command(guard, arguments, {}, program=program) as demo:
        address = demo.serves(within=READY)
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
            yield demo, Shop(http)


def _is_gone(demo: Command) -> None:
    """No process of its group is left."""
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)
