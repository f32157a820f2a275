"""The replay without any server: one process, killed in the middle and started again."""

from functools import partial
from pathlib import Path

import pytest

from tests.replay.command import Command
from tests.replay.contents import in_files
from tests.replay.course import KILL_REPLAY, run
from tests.replay.examination import Place, examined
from tests.replay.wire import of_file
from tests.servers.guard import Guard

ORDERS = 20_000


@pytest.mark.timeout(900)
async def test_every_figure_is_the_data_s_though_the_process_is_killed_twice(guard: Guard, tmp_path: Path) -> None:
    def replay() -> Command:
        arguments = ["replay", "completejourney", "--json", "--orders", str(ORDERS)]
        return Command(guard, arguments, {"WARREN_DATA": str(tmp_path)})

    place = Place(in_files(tmp_path), partial(of_file, tmp_path))
    run(replay, ORDERS, [KILL_REPLAY, KILL_REPLAY])
    found = await examined(place, ORDERS)

    agents = run(replay, ORDERS).said["agents"]
    assert agents["orders/orders"]["repeats"] >= ORDERS, "the second run sent no orders"
    assert agents["orders/orders"]["handled"] == 0
    assert await examined(place, ORDERS) == found
