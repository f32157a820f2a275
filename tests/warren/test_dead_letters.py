"""`warren dead-letters`, on the embedded broker: from an event that nobody could handle to one that somebody did."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agents.deadletters.desk import Desk, Filter
from streams.broker import Message
from tests.stores.samples import eventually
from warren.cli import main
from warren.settings import embedded_settings
from warren.system import open_system


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WARREN_DATA", str(tmp_path))
    asyncio.run(fail(tmp_path))
    return tmp_path


async def fail(data: Path) -> None:
    """Two orders that cannot be decoded, buried and kept."""
    async with open_system(embedded_settings(data), ["orders", "shared"]) as system:
        worker = system.worker(["orders", "shared"])
        await worker.start()
        for number, body in enumerate((b'{"paymentToken": "tok_secret"}', b"\xff")):
            message = Message(
                exchange="commands",
                routing_key="order.place",
                body=body,
                message_id=f"order{number}",
                type="order.place",
            )
            await system.broker.publish([message])
        await letters(system.stores["shared"], 2)
        await worker.stop()


async def letters(store: Any, count: int) -> None:
    desk = Desk(store, by="", now=lambda: NotImplemented)

    async def there() -> bool:
        return len([case async for case in desk.cases(Filter())]) == count

    await eventually(there)


async def run_again(data: Path) -> tuple[int, int]:
    """Let the agents run until all is read and each death is kept. The orders agent's repeats and deaths."""
    async with open_system(embedded_settings(data), ["orders", "shared"]) as system:
        worker = system.worker(["orders", "shared"])
        await worker.start()
        by_agent = {status.agent: status for status in worker.status()}
        orders, keeper = by_agent["orders"], by_agent["dead-letters"]
        last = (await system.broker.extent("orders.saga")).last

        async def read() -> bool:
            return orders.position >= last and keeper.handled == orders.dead

        await eventually(read)
        await worker.stop()
        return orders.repeats, orders.dead


def warren(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["dead-letters", *arguments])


def ids() -> list[str]:
    groups = json.loads(warren("list", "--json").stdout)["groups"]
    return [id for group in groups for id in group["ids"]]


def test_letters_are_listed_shown_replayed_and_discarded(data: Path) -> None:
    listed = warren("list").stdout
    assert "2  orders/orders  NotDecodable  (2 open)" in listed
    assert listed.endswith("2 letters\n")
    shown = json.loads(warren("show", ids()[0], "--json").stdout)
    assert (shown["agent"], shown["source"], shown["type"]) == ("orders/orders", "orders.saga", "order.place")
    planned = warren("replay", "--agent", "orders", "--dry-run")
    assert "2 of 2 would be replayed" in planned.stdout
    assert len(ids()) == 2
    assert "1 of 1 discarded" in warren("discard", ids()[0], "--why", "a test", "--by", "ann").stdout
    done = warren("replay", "--all", "--by", "bob", "--json")
    assert [letter["outcome"] for letter in json.loads(done.stdout)["letters"]] == ["replayed"]
    assert warren("list").stdout == "no dead letters\n"
    assert "(1 discarded, 1 replayed)" in warren("list", "--closed").stdout
    assert asyncio.run(run_again(data)) == (0, 1)
    assert "(1 open)" in warren("list").stdout


def test_the_trail_says_who_did_what_and_why(data: Path) -> None:
    (first, _) = ids()
    warren("discard", first, "--why", "a test", "--by", "ann")
    (entry,) = json.loads(warren("show", first[:8], "--json").stdout)["trail"]
    assert (entry["did"], entry["by"], entry["why"], entry["done"]) == ("discard", "ann", "a test", True)


def test_bodies_are_shown_without_their_secrets(data: Path) -> None:
    bodies = [json.loads(warren("show", id, "--json").stdout)["body"] for id in ids()]
    assert {"paymentToken": "***"} in bodies
    assert "\ufffd" in bodies
    assert "tok_secret" not in "".join(warren("show", id).stdout for id in ids())


def test_it_has_to_be_said_which_letters_are_meant(data: Path) -> None:
    assert "--all" in warren("replay").stderr
    assert "not both" in warren("discard", "x", "--agent", "orders").stderr
    unknown = warren("show", "zzzz")
    assert unknown.exit_code == 2
    assert "there is no dead letter 'zzzz'" in unknown.stderr
