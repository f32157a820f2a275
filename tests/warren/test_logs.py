"""Logs: one JSON object a line for machines, and no secrets for anybody."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from warren.cli.announcing import announce
from warren.logs import configure, hide_secrets


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """What the logs write, once a test has configured them."""
    root = logging.getLogger()
    handlers, level, before = root.handlers, root.level, structlog.get_config()
    yield io.StringIO()
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def _lines(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_line_carries_message_level_time_logger_and_what_was_bound(output: io.StringIO) -> None:
    configure("info", "json", output)
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        structlog.get_logger("orders").info("order placed", order_id="o-1")
    structlog.get_logger("orders").debug("too small to tell")
    (line,) = _lines(output)
    assert line.pop("timestamp")
    assert line == {
        "message": "order placed",
        "level": "info",
        "logger": "orders",
        "correlation_id": "c-1",
        "order_id": "o-1",
    }


def test_libraries_log_in_the_same_form(output: io.StringIO) -> None:
    configure("warning", "json", output)
    logging.getLogger("aiormq").warning("connection to %s lost", "amqp://guest:hunter2@mq/")
    (line,) = _lines(output)
    assert (line["logger"], line["message"]) == ("aiormq", "connection to amqp://guest:***@mq/ lost")


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_are_hidden_by_name_and_by_look_and_in_tracebacks(form: str, output: io.StringIO) -> None:
    configure("info", "json" if form == "json" else "console", output)
    log = structlog.get_logger()
    log.info("login", password="hunter2", body={"refreshToken": "hunter2", "items": [{"api_key": "hunter2"}]})
    log.info("header", value="Bearer hunter2", url="/live?token=hunter2&x=1")
    try:
        raise ConnectionError("postgresql://orders:hunter2@db/shop does not answer")
    except ConnectionError:
        log.exception("store lost")
    assert "hunter2" not in output.getvalue()
    assert "postgresql://orders:***@db/shop does not answer" in output.getvalue()


def test_values_that_json_lacks_are_written_as_text(output: io.StringIO) -> None:
    configure("info", "json", output)
    structlog.get_logger().info("odd", what={1, 2}.__class__, by={3: "three"})
    (line,) = _lines(output)
    assert line["what"] == "<class 'set'>"
    assert line["by"] == {"3": "three"}


def test_configuring_again_replaces_the_first_configuration(output: io.StringIO) -> None:
    configure("info", "json", io.StringIO())
    configure("info", "auto", output)
    logging.getLogger("a").info("once")
    assert len(_lines(output)) == 1


def test_a_json_web_token_is_hidden_wherever_it_stands() -> None:
    assert hide_secrets("got eyJhbGciOi.eyJzdWIi.c2ln, thanks") == "got ***, thanks"


class FullDisk(io.StringIO):
    """A stream that takes nothing."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_stream_that_takes_nothing_more_is_no_fault_of_whoever_logs(output: io.StringIO) -> None:
    configure("info", "json", FullDisk())
    structlog.get_logger("orders").info("order placed")
    configure("info", "json", output)
    structlog.get_logger("orders").info("the next one")
    assert [line["message"] for line in _lines(output)] == ["the next one"]


def test_a_process_whose_stderr_takes_nothing_starts(output: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", FullDisk())
    announce("http://127.0.0.1:8000")
    monkeypatch.setattr("sys.stderr", None)  # as Python has it where it was closed
    configure("info", "auto")
    structlog.get_logger("orders").info("order placed")
    announce("http://127.0.0.1:8000")


def test_nobody_moves_the_cursor_of_a_terminal(output: io.StringIO) -> None:
    configure("info", "console", output)
    structlog.get_logger("warren.api").info("request", path="/\x1b[2J", client="é")
    assert "\x1b" not in output.getvalue()
    assert "client=é" in output.getvalue()


def test_a_logger_without_a_name_has_the_house_s(output: io.StringIO) -> None:
    configure("info", "json", output)
    structlog.get_logger().warning("%s of %s", 1, 2)
    (line,) = _lines(output)
    assert (line["logger"], line["level"], line["message"]) == ("warren", "warning", "1 of 2")
