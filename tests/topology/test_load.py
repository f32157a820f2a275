from pathlib import Path

import pytest

from topology.errors import InvalidTopology
from topology.load import Reading, load, load_shop, read
from topology.spec import DEAD_LETTERS, Binding

_FAULTY = Path(__file__).parent / "faulty"


def _read(folder: Path, **files: str) -> Reading:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return read(folder)


def _messages(reading: Reading) -> list[str]:
    """The faults, each as `file:line:column: severity: path: message`, without the folder."""
    return [str(fault).removeprefix(str(Path(fault.place.file).parent) + "/") for fault in reading.faults]


def test_every_fault_of_every_file_is_shown_with_its_place() -> None:
    expected = (_FAULTY / "expected.txt").read_text(encoding="utf-8").splitlines()
    found = [message.replace(f"{_FAULTY}/", "") for message in _messages(read(_FAULTY))]
    assert found == expected


def test_a_file_nested_beyond_measure_is_a_fault_like_any_other(tmp_path: Path) -> None:
    assert _messages(_read(tmp_path, deep="service: " + "[" * 5_000)) == [
        "deep.yaml:1:1: error: this is nested too deeply: a topology file has five levels at most"
    ]


def test_load_raises_all_faults_together() -> None:
    with pytest.raises(InvalidTopology) as raised:
        load(_FAULTY)
    assert raised.value.faults == read(_FAULTY).faults
    assert "unknown key 'exchange'; did you mean 'exchanges'?" in str(raised.value)
    assert "listed twice" in str(raised.value)


def test_warnings_do_not_stop_a_topology_from_loading(tmp_path: Path) -> None:
    reading = _read(tmp_path, lonely="service: lonely\nexchanges:\n  lonely.events: {}\n")
    assert [fault.severity for fault in reading.faults] == ["warning"]
    assert load(tmp_path) == reading.topology


def test_what_every_topology_has_is_added(tmp_path: Path) -> None:
    topology = _read(tmp_path, small="service: small\n").topology
    assert Binding("dlx", "#") in topology.logs[DEAD_LETTERS].bindings
    assert topology.route("dlx", "some.queue") == [DEAD_LETTERS]
    assert topology.route("unrouted", "any.key") == ["unrouted"]


def test_a_file_for_the_shared_service_takes_the_place_of_the_one_in_the_package(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "topology/shared.yaml").read_text(encoding="utf-8")
    reading = _read(tmp_path, shared=text.replace("age: 90d, bytes: 5GB", "age: 7d"))
    assert not reading.faults
    days = reading.topology.logs[DEAD_LETTERS].max_age
    assert days is not None
    assert days.days == 7


def test_a_shared_service_without_dead_letters_is_refused(tmp_path: Path) -> None:
    assert _messages(_read(tmp_path, own="service: shared\nexchanges:\n  unrouted: {}\n")) == [
        "own.yaml:1:1: error: the engine needs the log 'dead.letters', bound to {dlx: ['#']}",
        "own.yaml:2:1: error: exchanges: the engine needs the exchange 'dlx': declare it here",
        "own.yaml:2:1: error: exchanges: the engine needs the exchange 'table.changes': declare it here",
        "own.yaml:3:3: warning: exchanges/unrouted: no alternate exchange: what nothing takes is lost; "
        "add `alternate: unrouted`",
    ]


def test_a_file_that_is_not_yaml_says_where_and_spares_the_others(tmp_path: Path) -> None:
    reading = _read(
        tmp_path,
        broken="service: broken\nexchanges:\n  a.events: {type: topic\nqueues: {}\n",
        sound="service: sound\nqueues:\n  q: {bind: {a.events: ['#']}, retries: []}\n",
    )
    assert _messages(reading) == [
        "broken.yaml:4:7: error: this is not YAML: expected ',' or '}', but got ':'",
        "sound.yaml:3:32: error: queues/q/retries: unknown key 'retries'; did you mean 'retry'? "
        "(known here: bind, retry, delivery-limit)",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1:1: error: the file is empty: begin with `service: NAME`, or remove it"),
        ("- a\n", "1:1: error: a topology file is a mapping that begins with `service: NAME`"),
        ("exchanges: {}\n", "1:1: error: the file does not say whose it is: begin with `service: NAME`"),
        ("service: a\n---\nservice: b\n", "2:1: error: this is not YAML: but found another document"),
        ("service: a\x00b\n", "1:1: error: this is not YAML: unacceptable character #x0000: special characters are"),
        ("service: Orders\n", "1:10: error: service: 'Orders' cannot be a service: use a-z, 0-9, - and _,"),
        (f"service: a\nqueues: {{{'q' * 256}: {{}}}}\n", f"2:10: error: queues/{'q' * 256}: the name is too long: 256"),
        (f"service: a\npublishes: {{dlx: [{'k' * 256}]}}\n", "2:19: error: publishes/dlx[0]: the routing key is too"),
        ("service: a\n? [b]\n: c\n", "2:3: error: expected a single value, found a list"),
        ("service: a\nlogs: {b: {partitions: 010, retention: {age: 1d}}}\n", "2:24: error: logs/b/partitions:"),
        ("service: a\nlogs: {b: {partitions: 0, retention: {age: 1d}}}\n", "2:24: error: logs/b/partitions: expected"),
        (
            "service: a\nlogs: {b: {partitions: 2, edition: 2, retention: {age: 1d}}, b.2: {retention: {age: 1d}}}\n",
            "2:8: error: logs/b: 'b.2', in ",
        ),
        ("service: a\nlogs: {b: {retention: {age: 99999999999d}}}\n", "2:29: error: logs/b/retention/age: the dura"),
        ("service: a\nexchanges: {b: {alternate: b}}\n", "2:28: error: exchanges/b/alternate: alternates run in a"),
        ("service: a\nqueues: {b: {retry: [[1s]]}}\n", "2:22: error: queues/b/retry[0]: expected a single value"),
        (
            "service: a\nlogs: {b: {bind: {analytics: ['#'], dlx: ['#']}, retention: {age: 1d}}}\n"
            "exchanges: {analytics: {alternate: unrouted}}\npublishes: {analytics: [x]}\n",
            "2:37: error: logs/b/bind/dlx: dead letters beside events would count an event twice",
        ),
    ],
)
def test_a_fault_names_its_line_and_column(tmp_path: Path, text: str, fault: str) -> None:
    (message,) = _messages(_read(tmp_path, file=text))
    assert message.startswith(f"file.yaml:{fault}")


def test_binding_keys_that_nobody_publishes_and_keys_that_nobody_takes_are_warned_of(tmp_path: Path) -> None:
    reading = _read(
        tmp_path,
        shop="service: shop\n"
        "exchanges: {order.events: {alternate: unrouted}, web.events: {type: fanout, alternate: order.events}}\n"
        "publishes: {order.events: [order.created, order.paid], web.events: [order.seen, web.left]}\n"
        "http: {order.events: [order.activity.*]}\n"
        "queues:\n"
        "  good: {bind: {order.events: ['*.created', order.activity.viewed, '#.activity.#']}}\n"
        "  wrong: {bind: {order.events: [order.craeted, order.*.viewed.*]}}\n",
    )
    assert [message.partition(" warning: ")[2] for message in _messages(reading)] == [
        "publishes/order.events[1]: no queue or log takes 'order.paid' from 'order.events'",
        "publishes/web.events[0]: no queue or log takes 'order.seen' from 'web.events'",
        "publishes/web.events[1]: no queue or log takes 'web.left' from 'web.events'",
        "queues/wrong/bind/order.events[0]: no service declares that it publishes such a key to 'order.events'; "
        "did you mean 'order.created'?",
        "queues/wrong/bind/order.events[1]: no service declares that it publishes such a key to 'order.events'; "
        "did you mean 'order.activity.*'?",
    ]


def test_missing_files_and_empty_folders_are_faults(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"service: caf\xe9\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    found = [str(fault) for fault in read(tmp_path / "nowhere.yaml", empty, tmp_path / "latin.yaml").faults]
    assert found == [
        f"{tmp_path}/nowhere.yaml:1:1: error: the file cannot be read: No such file or directory",
        f"{empty}:1:1: error: the folder holds no topology file (*.yaml)",
        f"{tmp_path}/latin.yaml:1:1: error: the file is not UTF-8: invalid continuation byte at byte 12",
    ]


def test_the_order_of_files_does_not_matter() -> None:
    names = [service.name for service in load_shop().services]
    assert names == sorted(names)
