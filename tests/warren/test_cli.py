"""The command line starts fast, and errors end it with a sentence and a status."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from stores.errors import StoreUnavailable
from warren.cli import COMMANDS, main
from warren.cli.program import Program


def _program(action: Callable[[], None]) -> Program:
    """A program like ours, with one command that does this."""

    class OneCommand(Program):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return click.Command("act", callback=action)

    return OneCommand(commands_at={}, params=[click.Option(["--debug"], is_flag=True)])


def _run(action: Callable[[], None], *options: str) -> Result:
    return CliRunner().invoke(_program(action), [*options, "act"])


def _raise(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def test_our_own_errors_are_shown_as_they_are() -> None:
    result = _run(_raise(StoreUnavailable("PostgreSQL at db does not answer: is it running?")))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "error: PostgreSQL at db does not answer: is it running?"


def test_other_errors_are_one_line_with_their_type_and_a_hint() -> None:
    result = _run(_raise(ValueError("first\n  second")))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: ValueError: first second",
        "hint: `warren --debug …` shows where it happened",
    ]


def test_an_error_without_words_is_named() -> None:
    assert "error: TimeoutError\n" in _run(_raise(TimeoutError())).stderr


def test_a_task_group_s_error_is_its_first_one() -> None:
    group = ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("inner", [KeyError("lane")])])
    assert "error: KeyError: 'lane'\n" in _run(_raise(group)).stderr


def test_debug_lets_the_error_through_with_its_traceback() -> None:
    assert isinstance(_run(_raise(ValueError("no")), "--debug").exception, ValueError)


def test_ctrl_c_ends_with_status_130_and_says_nothing() -> None:
    result = _run(_raise(KeyboardInterrupt()))
    assert (result.exit_code, result.output) == (130, "")


def test_wrong_usage_ends_with_status_2() -> None:
    result = CliRunner().invoke(main, ["no-such-command"])
    assert result.exit_code == 2
    assert "No such command" in result.stderr


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(main, ["--version"], prog_name="warren")
    assert result.output.startswith("warren ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_is_there_and_is_told_by_help(name: str) -> None:
    assert COMMANDS[name][1] in " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def _commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(inner, *path, name)


@pytest.mark.parametrize("path", list(_commands(main)), ids=" ".join)
def test_the_help_of_every_command_has_examples(path: tuple[str, ...]) -> None:
    assert "Examples:" in CliRunner().invoke(main, [*path, "--help"]).output


def test_making_tables_tells_what_was_made_and_leaves_the_statements_to_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARREN_DATA", str(tmp_path))
    plan = CliRunner().invoke(main, ["stores", "plan", "orders"]).output
    assert "CREATE TABLE" in plan
    made = CliRunner().invoke(main, ["stores", "apply", "orders"]).output
    assert made.splitlines()[-2:] == ["orders: create orders", "5 made"]
    assert "CREATE TABLE" not in made
    again = CliRunner().invoke(main, ["stores", "apply", "orders"]).output
    assert again == "nothing was to be done: the tables were there\n"


def test_help_imports_no_driver_and_no_service() -> None:
    script = "import sys, warren.cli; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"asyncio", "streams", "stores", "api", "pydantic", "sqlalchemy", "aiormq"} & set(modules)
