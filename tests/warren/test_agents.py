"""`warren agents`, on the embedded broker."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.broker import Message
from tests.stores.samples import eventually
from warren.cli import main
from warren.settings import embedded_settings
from warren.system import open_system


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WARREN_DATA", str(tmp_path))
    return tmp_path


async def work(data: Path, *, events: int = 0) -> dict[str, bytes]:
    """Publish some events, and let analytics read everything; its revenue."""
    async with open_system(embedded_settings(data), ["analytics"]) as system:
        messages = [
            Message(
                exchange="order.events",
                routing_key="order.shipped",
                body=b"{}",
                message_id=f"e{number}",
                type="order.shipped",
            )
            for number in range(events)
        ]
        await system.broker.publish(messages)
        worker = system.worker(["analytics"])
        await worker.start()
        last = (await system.broker.extent("analytics.all.events")).last

        async def read() -> bool:
            return worker.status()[0].position == last

        await eventually(read)
        await worker.stop()
        return await system.stores["analytics"].scan("revenue", 0)


def warren(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["agents", *arguments], input=answer)


def position() -> int:
    (row,) = json.loads(warren("list", "analytics", "--json").stdout)["agents"]
    return int(row["position"])


def test_agents_are_listed_with_their_position_and_their_log(data: Path) -> None:
    assert position() == -1
    asyncio.run(work(data, events=3))
    (line,) = warren("list", "analytics").stdout.splitlines()
    assert " ".join(line.split()) == "analytics/analytics/0 at 2 of analytics.all.events (0 to 2), not at work"
    assert "orders/orders/0" in warren("list").stdout


def test_a_reset_takes_an_agent_back_and_it_comes_forward_again(data: Path) -> None:
    asyncio.run(work(data, events=3))
    done = warren("reset", "analytics", "--to", "first", "--yes")
    assert done.stdout == "analytics/analytics/0 begins at the beginning; it was at 2; sends are off up to offset 2\n"
    assert "sends off up to 2" in warren("list", "analytics").stdout
    assert position() == -1
    asyncio.run(work(data))
    assert position() == 2
    back = json.loads(warren("reset", "analytics/analytics", "--to", "1", "--yes", "--json").stdout)
    assert back == {"partitions": [{"agent": "analytics/analytics/0", "before": 2, "next": 1, "quiet": 2}]}


def test_a_reset_asks_first(data: Path) -> None:
    asyncio.run(work(data, events=1))
    assert warren("reset", "analytics", "--to", "first", answer="n\n").exit_code == 1
    assert position() == 0
    assert warren("reset", "analytics", "--to", "2000-01-01", answer="y\n").exit_code == 0
    assert position() == -1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("analytisc", "--to", "first"), "did you mean 'analytics/analytics'"),
        (("notify", "--to", "first"), "reads queues"),
        (("analytics", "--to", "yesterday"), "neither `first`, nor an offset"),
        (("analytics", "--to", "99"), "holds the offsets"),
    ],
)
def test_what_cannot_be_done_is_said(data: Path, arguments: tuple[str, ...], told: str) -> None:
    result = warren("reset", *arguments, "--yes")
    assert result.exit_code != 0
    assert told in result.stderr


def test_a_rebuild_compares_and_swaps(data: Path) -> None:
    asyncio.run(work(data, events=3))
    told = warren("rebuild", "analytics")
    assert told.stdout.splitlines()[0] == "analytics/0: 0 events up to offset 2, 0 dead letters"
    assert told.stdout.splitlines()[-1].startswith("nothing was changed")
    (one,) = json.loads(warren("rebuild", "analytics", "--swap", "--json").stdout)["partitions"]
    assert (one["swapped"], one["position"]) == (True, 2)
    assert [table["changed"] for table in one["tables"]] == [[]] * len(one["tables"])
    assert position() == 2
