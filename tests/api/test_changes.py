"""Changes of tables by WebSocket."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.app import create_app
from api.server import serve
from stores.port import Commit, Epoch, Slot
from streams import Table, Views
from streams.changes import Changes, Herald
from tests.api.auth_scene import AuthShop, open_auth_shop
from tests.api.shop import Shop

COUNTS: Table[int] = Table("counts", default=int, watched=True)
QUIET: Table[int] = Table("quiet", default=int)
SLOT = Slot("count")


@dataclass
class Counting:
    """A service that counts, and the edge that serves its table."""

    shop: Shop
    url: str
    epoch: Epoch
    herald: Herald
    position: int = -1

    async def set(self, *, tell: bool = True, **counts: int | None) -> None:
        """A commit of these rows."""
        self.position += 1
        rows = {"counts": [(key, None if count is None else b"%d" % count) for key, count in counts.items()]}
        commit = Commit(SLOT, self.epoch, self.position, b"", b"", 0, rows=rows)
        await self.shop.stores["orders"].commit(commit)
        if tell:
            self.herald.tell(rows)

    def watch(self, path: str = "counts/changes", **options: Any) -> connect:
        return connect(f"{self.url}/api/tables/{path}", proxy=None, **options)


@asynccontextmanager
async def counting(shop: Shop) -> AsyncIterator[Counting]:
    store = shop.stores["orders"]
    await store.apply([COUNTS.spec, QUIET.spec])
    checkpoint = await store.acquire(SLOT, "worker", 60)
    assert checkpoint is not None
    changes = Changes(shop.broker, Random(1))
    tables = {table.name: ("orders", table) for table in (COUNTS, QUIET)}
    edge = replace(shop.edge, views=Views(shop.stores, changes), tables=tables)
    async with serve(create_app(edge), "127.0.0.1", 0) as port:
        herald = Herald(shop.broker, "orders", [COUNTS])
        yield Counting(shop, f"ws://127.0.0.1:{port}", checkpoint.epoch, herald)
    await changes.close()


@pytest.fixture
async def counter(shop: Shop) -> AsyncIterator[Counting]:
    async with counting(shop) as counter:
        yield counter


async def told(socket: ClientConnection) -> Mapping[str, Any]:
    message: dict[str, Any] = json.loads(await socket.recv())
    return message


async def closed(socket: ClientConnection) -> int | None:
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass  # what it was told before
    return socket.close_code


async def test_who_watches_a_row_is_told_it_as_it_is_and_then_each_change(counter: Counting) -> None:
    await counter.set(hazel=1)
    async with counter.watch("counts/changes?key=hazel") as socket:
        assert await told(socket) == {"number": 1, "rows": [{"key": "hazel", "value": 1}]}
        await counter.set(fiver=5)
        await counter.set(hazel=2)
        assert await told(socket) == {"number": 2, "rows": [{"key": "hazel", "value": 2}]}
        await counter.set(hazel=None)
        assert await told(socket) == {"number": 3, "rows": [{"key": "hazel", "value": None}]}


async def test_a_change_of_which_nothing_is_heard_is_told_all_the_same(
    counter: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.changing.Row.again", 0.05)
    async with counter.watch("counts/changes?key=hazel") as socket:
        assert (await told(socket))["rows"] == [{"key": "hazel", "value": None}]
        await counter.set(hazel=7, tell=False)
        assert await told(socket) == {"number": 2, "rows": [{"key": "hazel", "value": 7}]}


async def test_who_watches_all_rows_is_told_which_change_and_when_to_read_all_again(counter: Counting) -> None:
    async with counter.watch() as socket:
        assert await told(socket) == {"number": 1, "rows": None}
        assert await told(socket) == {"number": 2, "rows": None}, "from here on it is listened to"
        await counter.set(hazel=1, fiver=2)
        rows = [{"key": "fiver", "value": 2}, {"key": "hazel", "value": 1}]
        assert await told(socket) == {"number": 3, "rows": rows}
        await counter.set(fiver=None)
        assert await told(socket) == {"number": 4, "rows": [{"key": "fiver", "value": None}]}


@pytest.mark.parametrize("path", ["conts/changes", "quiet/changes", "notifications/changes"])
async def test_what_cannot_be_watched_is_closed_with_4404(counter: Counting, path: str) -> None:
    async with counter.watch(path) as socket:
        assert await closed(socket) == 4404


async def test_only_who_may_read_tables_may_watch_them_and_only_while_the_token_counts() -> None:
    async with open_auth_shop(auth_required=True) as shop, counting(shop.shop) as counter:
        async with counter.watch() as socket:
            assert await closed(socket) == 4401
        customer = await shop.bearer()
        async with counter.watch(additional_headers=customer) as socket:
            assert await closed(socket) == 4403
        await _analyst_until_logout(shop, counter)


async def _analyst_until_logout(shop: AuthShop, counter: Counting) -> None:
    analyst = await shop.bearer("analyst", email="analyst@downs.example")
    async with counter.watch(additional_headers=analyst) as socket:
        assert (await told(socket))["rows"] is None
        assert (await shop.client.post("/api/auth/logout", headers=analyst)).status_code == 204
        assert await closed(socket) == 4401
