from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given

from tests.topology.strategies import topologies
from topology.dump import dump
from topology.load import load, load_shop
from topology.spec import Topology


def _again(topology: Topology) -> Topology:
    with TemporaryDirectory() as folder:
        for service in topology.services:
            Path(folder, f"{service.name}.yaml").write_text(dump(service), encoding="utf-8")
        return load(Path(folder))


@given(topologies())
def test_what_is_dumped_loads_as_the_same_topology(topology: Topology) -> None:
    assert _again(topology) == topology


def test_the_shop_survives_it_too() -> None:
    assert _again(load_shop()) == load_shop()


def test_lists_stand_on_one_line_where_they_fit() -> None:
    assert "    bind:\n      user.events: [user.created]\n    retry: [1s, 5s, 30s, 2m, 10m]\n" in dump(
        load_shop().service("auth")
    )
