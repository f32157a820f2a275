"""The whole OpenAPI document against the edge, by schemathesis: no 5xx, no answer that is not documented, no crash."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.auth.roles import GIVEN
from api.app import create_app
from api.server import serve
from tests.api.auth_scene import open_auth_shop

CONFIG = Path(__file__).with_name("schemathesis.toml")
BUDGET = 40
"""Seconds for generated requests."""
EXAMPLES = 3
"""Of each operation and phase, beside those that follow from the schema."""


@dataclass
class Edge:
    """A shop at work that asks who is calling, served by a thread of its own; `token` may do everything."""

    url: str = ""
    token: str = ""


async def _serve(edge: Edge, ready: threading.Event, stop: asyncio.Event) -> None:
    async with open_auth_shop(work=True, auth_required=True) as shop:
        edge.token = (await shop.bearer(*sorted(GIVEN)))["Authorization"]
        async with serve(create_app(shop.shop.edge), "127.0.0.1", 0) as port:
            edge.url = f"http://127.0.0.1:{port}"
            ready.set()
            await stop.wait()


@pytest.fixture
def edge() -> Iterator[Edge]:
    edge, ready, stop, loop = Edge(), threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(edge, ready, stop),))
    thread.start()
    assert ready.wait(30)
    yield edge
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_every_answer_is_documented_and_no_request_breaks_anything(edge: Edge, tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG)),
        *("run", f"{edge.url}/openapi.json", "--header", f"Authorization: {edge.token}"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--max-time", str(BUDGET), "--seed", "1", "--no-color"),
        # They end the session that all others need.
        *("--exclude-path", "/api/auth/logout", "--exclude-path", "/api/auth/logout-all"),
    ]
    uncounted = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ran = subprocess.run(command, cwd=tmp_path, env=uncounted, check=False, capture_output=True, text=True, timeout=150)
    assert ran.returncode == 0, ran.stdout[-8_000:] + ran.stderr[-2_000:]
