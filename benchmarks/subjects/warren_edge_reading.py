"""Warren: rows of PostgreSQL read over HTTP, one a request, none of them kept by the edge."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from agents.orders.events import Address, Line
from agents.orders.order import Order
from agents.orders.statuses import PaymentStatus, Status
from agents.orders.tables import app, orders
from benchmarks.clients import request
from benchmarks.scene import Scene
from benchmarks.subjects.warren_edge import WarrenEdge
from stores.port import Commit, Slot
from stores.postgres import PostgresStore
from streams import Views
from streams.codec import encode
from streams.keys import encode_key

ROWS = 1_000
HOME = Address("A shopper", "1 High Street", "Delft", "2611 AB", "NL")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def order(scene: Scene, connections: int) -> WarrenEdge:
    """As the endpoint of orders gives them."""
    return WarrenEdge(scene, connections, Rows("/api/orders/{id}", "support"))


def row(scene: Scene, connections: int) -> WarrenEdge:
    """As the endpoint of all tables gives them."""
    return WarrenEdge(scene, connections, Rows("/api/tables/orders/{id}", "analyst"))


class Rows:
    """Asking: read orders by id."""

    status = 200

    def __init__(self, path: str, role: str) -> None:
        self._path = path
        self.role = role

    async def views(self, scene: Scene, stack: AsyncExitStack) -> Views:
        """Of a store that has ROWS orders."""
        store = PostgresStore(scene.postgres, scene.schema)
        await store.open()
        stack.push_async_callback(store.close)
        await store.apply(app.specs())
        slot = Slot("orders")
        checkpoint = await store.acquire(slot, "bench", 60)
        assert checkpoint is not None
        rows = [(encode_key(_id(number)), encode(_order(number))) for number in range(ROWS)]
        await store.commit(Commit(slot, checkpoint.epoch, -1, b"", b"", 0, rows={orders.name: rows}))
        return Views({app.id: store})

    def requests(self, count: int, token: str) -> tuple[list[bytes], int]:
        """For one order after another."""
        paths = (self._path.format(id=_id(number)) for number in range(ROWS))
        return [request("GET", path, Authorization=f"Bearer {token}") for path in paths], count


def _id(number: int) -> UUID:
    return UUID(int=number << 64 | 1)


def _order(number: int) -> Order:
    price = Decimal("12.50")
    return Order(
        id=_id(number),
        user_id=UUID(int=number),
        items=[Line(UUID(int=product), 1, price) for product in range(3)],
        total=3 * price,
        currency="EUR",
        status=Status.PAID,
        payment_status=PaymentStatus.CAPTURED,
        shipping_address=HOME,
        created_at=NOON,
        updated_at=NOON,
        version=5,
        history=[],
    )
