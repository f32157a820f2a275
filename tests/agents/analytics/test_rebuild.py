"""`warren agents rebuild analytics`: the log makes the same tables again."""

import asyncio
import json
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from streams.codec import encode, event_type
from tests.agents.analytics.life import MINUTE, NOON, Happening, captured, created, paid, put_in_cart, signed_up, viewed
from tests.stores.samples import eventually
from warren.cli import main
from warren.settings import embedded_settings
from warren.system import open_system


def a_busy_hour() -> list[Happening]:
    """Twelve users who come, look, and buy, told out of order and some of it twice."""
    happenings = [
        Happening(record, NOON + n * MINUTE)
        for n in range(12)
        for record in (signed_up(n), viewed(n), put_in_cart(n), created(n, n), captured(n, n, "1.10"), paid(n, n))
    ]
    told = happenings + happenings[::3]
    Random(7).shuffle(told)
    return told


async def work(data: Path) -> dict[str, int]:
    """Let analytics read everything; table -> number of rows."""
    async with open_system(embedded_settings(data), ["analytics"]) as system:
        publisher = system.publisher("gateway")
        messages = [
            publisher.message(
                "order.events",
                event_type(type(told.record)) or "",
                encode(told.record),
                key=str(getattr(told.record, "user_id", "")),
                time=told.at,
            )
            for told in a_busy_hour()
        ]
        await publisher.publish(messages)
        worker = system.worker(["analytics"])
        await worker.start()

        async def read() -> bool:
            return worker.status()[0].position == len(messages) - 1

        await eventually(read)
        await worker.stop()
        store = system.stores["analytics"]
        return {name: len(await store.scan(name, 0)) for name in system.apps[0].tables}


def test_the_log_makes_the_same_tables_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_DATA", str(tmp_path))
    rows = asyncio.run(work(tmp_path))
    assert (rows["order_metrics"], rows["visitors"], rows["revenue"], rows["funnel"]) == (12, 12, 1, 1)
    told = CliRunner().invoke(main, ["agents", "rebuild", "analytics", "--json"])
    assert told.exit_code == 0, told.output
    (partition,) = json.loads(told.stdout)["partitions"]
    assert partition["events"] == len(a_busy_hour())
    assert {table["table"]: table["same"] for table in partition["tables"]} == rows
    assert all(not table["missing"] and not table["extra"] and not table["changed"] for table in partition["tables"])
