"""A service of the shop that keeps its documents in Redis, named by its setting alone."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

from agents.inventory.events import MAIN, InventoryReceive, StockLine
from agents.notifications.tables import app
from agents.orders.events import Address, Line, OrderPlace
from tests.servers.server import RedisServer
from tests.stores.samples import eventually
from warren.cli import main
from warren.settings import load_settings
from warren.system import System, open_system

USER = UUID(int=99)
HOME = Address("A", "1 Street", "Town", "1000", "NL")


@pytest.fixture
def settled(own_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notifications are in Redis, all else in this directory."""
    monkeypatch.setenv("WARREN_STORE_NOTIFICATIONS", own_redis.url)
    monkeypatch.setenv("WARREN_DATA", str(tmp_path))


def warren(*arguments: str) -> str:
    return CliRunner().invoke(main, arguments, catch_exceptions=False).output


@pytest.mark.usefixtures("settled")
def test_plan_and_apply_make_the_collections() -> None:
    plan = warren("stores", "plan", "notifications")
    assert "notifications: create notifications" in plan
    assert "HSET warren:{notifications} notifications" in plan
    assert warren("stores", "apply", "notifications").endswith("4 made\n")
    assert warren("stores", "plan", "notifications") == "nothing to do: the tables are there\n"


@pytest.mark.usefixtures("settled")
def test_a_service_with_log_agents_is_told_why_it_cannot(
    monkeypatch: pytest.MonkeyPatch, own_redis: RedisServer
) -> None:
    monkeypatch.setenv("WARREN_STORE_ORDERS", own_redis.url)
    ended = CliRunner().invoke(main, ["stores", "plan", "orders"])
    assert ended.exit_code != 0
    assert "keeps documents alone" in str(ended.exception) + ended.output


@pytest.mark.usefixtures("settled")
async def test_notifications_of_an_order_are_kept_in_redis() -> None:
    settings = load_settings()
    async with open_system(settings) as system:
        await system.stores["notifications"].apply(app.specs())
        worker = system.worker()
        await worker.start()
        goods = InventoryReceive(UUID(int=3), [StockLine(UUID(int=7), 1)])
        order = OrderPlace(UUID(int=1), USER, [Line(UUID(int=7), 1, Decimal("10.00"))], "EUR", "tok_ok", HOME)
        gateway = system.publisher("gateway")
        await gateway.publish([gateway.record("commands", goods, key=MAIN)])
        await gateway.publish([gateway.record("commands", order, key=str(UUID(int=1)))])
        await eventually(_told(system, {"order_received", "order_paid"}))
        await worker.stop()


def _told(system: System, templates: set[str]) -> Callable[[], Awaitable[bool]]:
    async def told() -> bool:
        page = await system.stores["notifications"].query(
            "notifications", equals={"recipient": str(USER)}, order_by="template"
        )
        return {row.key.split(":")[1] for row in page.rows} == templates

    return told
