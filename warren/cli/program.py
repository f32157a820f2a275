"""A group of commands that starts fast and ends politely."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NoReturn

import click

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells give it: 128 + SIGINT."""


class Program(click.Group):
    """Imports a subcommand when it is called; shows an error as a sentence, and as a traceback with `--debug`.

    Every subcommand's imports would make `warren --help` wait for database drivers.
    """

    def __init__(self, *, commands_at: Mapping[str, tuple[str, str]], **options: Any) -> None:
        """`commands_at`: name -> (`module:name`, what the help says). `options` are click.Group's."""
        super().__init__(**options)
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._commands_at:
            return None
        module, _, name = self._commands_at[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command), f"{module}:{name} is no click command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._commands_at.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params["debug"]:
                raise
            _fail(error)


def _fail(error: Exception) -> NoReturn:
    cause = _first(error)
    click.echo(f"error: {_sentence(cause)}", err=True)
    click.echo("hint: `warren --debug …` shows where it happened", err=True)
    raise click.exceptions.Exit(1) from error


def _first(error: Exception) -> Exception:
    """The first error of a group, as task groups raise it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _sentence(error: Exception) -> str:
    text = str(error).strip()
    if not text:
        return type(error).__name__
    if type(error).__module__.partition(".")[0] in {"warren", "api", "agents", "streams", "stores", "topology"}:
        return text
    return f"{type(error).__name__}: {' '.join(text.split())}"
