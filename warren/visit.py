"""One shopper's visit, over HTTP as anybody's: looking around, a cart, an order, and what becomes of that."""

import asyncio
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import UUID

import httpx
import structlog

from api.currencies import places_of

log = structlog.get_logger("warren.shoppers")

TROUBLES: Final = (
    *("tok_decline", "tok_decline_capture", "tok_decline_refund", "tok_hang", "tok_stuck"),
    *("tok_flaky", "tok_flaky_capture", "tok_flaky_refund", "tok_lost", "tok_lost_capture", "tok_lost_refund"),
)
"""Cards that are declined, slow, silent, or take no money back."""
TOKENS: Final = (*("tok_ok",) * 3 * len(TROUBLES), *TROUBLES)
"""How shoppers pay: three of four cards work."""
CITIES: Final = (
    ("Amsterdam", "1012 AB", "NL"),
    ("Gent", "9000", "BE"),
    ("Köln", "50667", "DE"),
    ("Lyon", "69001", "FR"),
)
WISHES: Final = (*("keep",) * 13, "cancel", "cancel", "move", "refund", "refund", "return", "return")
"""What shoppers want of what they have ordered."""
LOOKS_AWAY: Final = 0.3
"""Share of those who leave before the cart, and again before the checkout."""
LOW: Final = 20
DELIVERY: Final = 200
"""Pieces of a product: with fewer to be had, so many are delivered."""
PATIENCE: Final = 60
"""How often a shopper looks whether an order has come further."""
PAUSE: Final = 1.0
"""Seconds between two looks."""
ACTIVITY: Final = "/api/events/user.events/user.activity"

Json = dict[str, Any]


class Leaves(Exception):
    """A shopper has had enough."""


class Visit:
    """See the module's text. A server that is away, or refuses, ends it; it raises nothing."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        random: Random,
        user: UUID,
        own: httpx.Auth | None = None,
        staff: httpx.Auth | None = None,
    ) -> None:
        """`own` logs the user in, `staff` the shop's own people: None where nobody is asked who they are."""
        self._client = client
        self._random = random
        self._user = str(user)
        self._own = own
        self._staff = staff
        self._session = self._new_id()

    async def run(self) -> None:
        """From the first look to the last wish."""
        try:
            cart = await self._browse()
            if cart:
                await self._follow(await self._buy(cart))
        except Leaves:
            pass
        except httpx.HTTPError as error:
            log.warning("a shopper was not served", reason=str(error) or type(error).__name__)

    # --- before the order ---

    async def _browse(self) -> list[Json]:
        """What is in the cart in the end: products of one currency."""
        offered: list[Json] = (await self._call("GET", "/api/products"))["items"]
        if not offered:
            raise Leaves
        currency = self._random.choice(offered)["currency"]
        offered = [product for product in offered if product["currency"] == currency]
        seen = self._random.sample(offered, k=min(len(offered), self._random.randint(1, 4)))
        for product in seen:
            if (await self._call("GET", f"/api/products/{product['id']}"))["available"] < LOW:
                await self._fill_up(product)
            await self._tell("product_viewed", product)
        self._may_leave()
        cart = seen[: self._random.randint(1, 3)]
        for product in cart:
            await self._tell("cart_added", product)
        self._may_leave()
        await self._tell("checkout_started")
        return cart

    async def _fill_up(self, product: Json) -> None:
        """The shop's own people see to it that there is something to buy tomorrow."""
        delivery = {"receiptId": self._new_id(), "quantity": DELIVERY}
        await self._serve(f"/api/products/{product['id']}/stock", delivery)

    def _may_leave(self) -> None:
        if self._random.random() < LOOKS_AWAY:
            raise Leaves

    async def _buy(self, cart: list[Json]) -> str:
        """The order's id."""
        body = {
            "userId": self._user,
            "items": [{"productId": product["id"], "quantity": self._random.randint(1, 3)} for product in cart],
            "currency": cart[0]["currency"],
            "paymentToken": self._random.choice(TOKENS),
            "shippingAddress": self._address(),
        }
        id: str = (await self._call("POST", "/api/orders", body, key=self._new_id()))["id"]
        return id

    # --- after it ---

    async def _follow(self, order: str) -> None:
        """Want something of it; the shop's own people ship and deliver what is paid."""
        place, wish = f"/api/orders/{order}", self._random.choice(WISHES)
        await self._until(place, "PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "PAID", "SHIPPED", any_end=True)
        if wish == "move":
            await self._call("PATCH", place, {"shippingAddress": self._address()}, refusable=True)
        if wish == "cancel":
            await asyncio.sleep(self._random.choice((0.0, 0.5, 3.0)))
            await self._call("POST", f"{place}/cancel", {"reason": "changed my mind"}, refusable=True)
            return
        paid = await self._until(place, "PAID")
        await self._serve(f"{place}/ship", {"carrier": "DHL", "tracking": self._new_id()[:8]})
        await self._until(place, "SHIPPED")
        await self._serve(f"{place}/deliver")
        if wish in {"refund", "return"}:
            await self._until(place, "DELIVERED")
            part = round(Decimal(paid["total"]) / 4, places_of(paid["currency"]))
            back = {"amount": str(part), "reason": "damaged"} if wish == "refund" and part else {"reason": "returned"}
            await self._serve(f"{place}/refunds", back, key=self._new_id())
            if wish == "return":
                await self._unpack(paid)

    async def _unpack(self, order: Json) -> None:
        """The shop's own people put what was sent back on the shelf again, once for each order."""
        for line in order["items"]:
            back = {"receiptId": order["id"], "quantity": line["quantity"]}
            await self._serve(f"/api/products/{line['productId']}/stock", back)

    async def _until(self, place: str, *statuses: str, any_end: bool = False) -> Json:
        """The order, once it stands at one of these. Raises Leaves where it ends elsewhere, or does not come so far."""
        for _ in range(PATIENCE):
            answer = await self._client.get(place, auth=self._own)
            body: Json = answer.json() if answer.is_success else {}
            if body.get("status") in statuses or (any_end and body):
                return body
            if body.get("status") in {"REJECTED", "EXPIRED", "PAYMENT_FAILED", "CANCELLED"}:
                raise Leaves
            await asyncio.sleep(PAUSE)
        raise Leaves

    # --- HTTP ---

    async def _tell(self, what: str, product: Json | None = None) -> None:
        data = {"sessionId": self._session, "userId": self._user, "productId": product["id"] if product else None}
        await self._serve(f"{ACTIVITY}.{what}", {"key": self._user, "data": data})

    async def _call(
        self, method: str, path: str, body: Json | None = None, *, key: str = "", refusable: bool = False
    ) -> Json:
        """As the shopper: the answer; nothing where it is too late for it (409) and that may be. Raises Leaves where it
        is no."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self._client.request(method, path, json=body, headers=headers, auth=self._own)
        return {} if refusable and answer.status_code == httpx.codes.CONFLICT else _taken(answer, path)

    async def _serve(self, path: str, body: Json | None = None, *, key: str = "") -> None:
        """As the shop's own people, and its pages, which tell what shoppers do. Raises Leaves where the answer is no,
        unless it is too late for it (409)."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self._client.request("POST", path, json=body, headers=headers, auth=self._staff)
        if answer.status_code != httpx.codes.CONFLICT:
            _taken(answer, path)

    def _address(self) -> Json:
        city, postal_code, country = self._random.choice(CITIES)
        line = f"{self._random.randint(1, 200)} High Street"
        return {"name": "A shopper", "line1": line, "city": city, "postalCode": postal_code, "country": country}

    def _new_id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _taken(answer: httpx.Response, path: str) -> Json:
    """What was answered. Raises Leaves where that is no."""
    if answer.is_error:
        log.warning("a shopper was refused", path=path, status=answer.status_code, problem=answer.text[:200])
        raise Leaves
    found: Json = answer.json()
    return found
