"""`warren replay completejourney`, with a few orders and no server."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ORDERS = "40"


def test_figures_are_compared_and_a_second_run_adds_nothing(tmp_path: Path) -> None:
    shown = _replay(tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "every figure equals the data's" in shown.stdout
    assert "40 of 40 orders" in shown.stderr

    answer = json.loads(_replay(tmp_path, "--json").stdout)
    assert answer["differences"] == []
    assert answer["tables"] == answer["data"]
    assert answer["tables"]["states"] == {"PAID": 40}
    assert answer["agents"]["orders/orders"]["repeats"] == 40

    with closing(sqlite3.connect(tmp_path / "analytics.db")) as database, database:
        database.execute("""UPDATE revenue SET value = '{"amount":"0.01","orders":1}'""")
    wrong = _replay(tmp_path)
    assert wrong.returncode == 1
    assert "DIFFERENT" in wrong.stdout
    assert "revenue of 2017-01-01: 0.01 in the tables" in wrong.stdout


def _replay(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("warren"), "replay", "completejourney", "--orders", ORDERS, *options],
        env={**{k: v for k, v in os.environ.items() if not k.startswith("WARREN_")}, "WARREN_DATA": str(data)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
