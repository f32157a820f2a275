"""`warren topology`: check the files that declare exchanges, queues and logs, and bring a broker to what they say."""

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar, Unpack

import click
import orjson

from agents.registry import catalogue
from api.asyncapi import document as asyncapi_document
from topology.diff import diff
from topology.dump import dump
from topology.errors import InvalidTopology, TopologyError
from topology.load import load, read, shop
from topology.management import Management
from topology.observe import observe
from topology.plan import Deletions, Plan, Step
from topology.rabbitmq import apply as take
from topology.spec import Topology
from warren.cli.topology_options import (
    JSON,
    PATHS,
    Asked,
    broker_options,
    load_asked,
    management_asked,
    passwords_asked,
    vhost_asked,
)
from warren.cli.topology_output import faults_json, plan_json, plan_lines, step_line, summary, verdict

T = TypeVar("T")

_CHANGES = 2
"""Exit status of `plan --exit-code` where there is something to do."""


@click.group()
def topology() -> None:
    """Check topology files, and bring a broker to what they say.

    \b
    Examples:
      warren topology check my-topology/           show every fault, with line and column
      warren topology plan                         what would change on the broker
      warren topology apply                        change it
      warren topology apply --users --secrets /run/secrets
    """


@topology.command()
@click.argument("paths", nargs=-1, type=PATHS)
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@JSON
def check(paths: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Check topology files and folders (the shop's by default), and show every fault.

    Exits with 1 where there are errors.

    \b
    Examples:
      warren topology check
      warren topology check --strict orders.yaml payments.yaml
      warren topology check --json my-topology/ | jq '.faults[].message'
    """
    reading = read(*(paths or [shop()]))
    bad = bool(reading.errors or (strict and reading.warnings))
    if as_json:
        _print_json({"ok": not bad, "faults": faults_json(reading.faults)})
    else:
        click.echo("\n".join([*map(str, reading.faults), verdict(reading)]))
    if bad:
        raise click.exceptions.Exit(1)


@topology.command()
def asyncapi() -> None:
    """Print the shop's AsyncAPI 3 document: what goes over the bus, for other people's clients and tools.

    \b
    Examples:
      warren topology asyncapi > asyncapi.json
    """
    document = asyncapi_document(load(shop()), catalogue(), version("warren"))
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


@topology.command()
@click.argument("paths", nargs=-1, type=PATHS)
def show(paths: tuple[Path, ...]) -> None:
    """Print a topology whole: defaults, and what every topology has in common, written out.

    \b
    Examples:
      warren topology show
      warren topology show my-topology/
    """
    services = load(*(paths or [shop()])).services
    click.echo("---\n".join(map(dump, services)), nl=False)


@topology.command()
@broker_options
@click.option("--exit-code", is_flag=True, help=f"Exit with {_CHANGES} where there is something to do.")
def plan(exit_code: bool, **asked: Unpack[Asked]) -> None:
    """Show what `apply` would change, without changing anything.

    Exits with 1 where something cannot be changed in place.

    \b
    Examples:
      warren topology plan
      warren topology plan --path my-topology/ --vhost staging
      warren topology plan --exit-code --json      # in a pipeline: 0 nothing to do, 2 changes, 1 errors
    """
    made = _answering(asked, lambda: asyncio.run(_plan(load_asked(asked), asked)))
    if asked["as_json"]:
        _print_json(plan_json(made))
    else:
        click.echo("\n".join(plan_lines(made)))
    if made.conflicts:
        raise click.exceptions.Exit(1)
    if made.steps and exit_code:
        raise click.exceptions.Exit(_CHANGES)


@topology.command()
@broker_options
def apply(**asked: Unpack[Asked]) -> None:
    """Create what is missing on the broker, and change what differs.

    Queues, logs and exchanges are never deleted unless you name them, and then only when they are empty. Where
    something cannot be changed in place nothing is changed at all, and the command says what to do. Stopping it does
    no harm: start it again to go on.

    \b
    Examples:
      warren topology apply
      warren topology apply --path my-topology/ --management http://admin:secret@rabbit:15672
      WARREN_PASSWORD_ORDERS=… warren topology apply --users
      warren topology apply --delete-queue orders.old
    """
    made, done = _answering(asked, lambda: asyncio.run(_apply(load_asked(asked), asked)))
    if asked["as_json"]:
        _print_json({**plan_json(made), "applied": done})
    elif made.conflicts or not made.steps:
        click.echo("\n".join(plan_lines(made)))
    else:
        click.echo(f"Done: {summary(made)}")
    if made.conflicts:
        raise click.exceptions.Exit(1)


async def _plan(wanted: Topology, asked: Asked) -> Plan:
    async with management_asked(asked) as management:
        return await _difference(wanted, asked, management)


async def _apply(wanted: Topology, asked: Asked) -> tuple[Plan, int]:
    async with management_asked(asked) as management:
        made = await _difference(wanted, asked, management)
        if made.conflicts:
            return made, 0
        progress = _Progress(len(made.steps), quiet=asked["as_json"])
        try:
            await take(management, vhost_asked(asked), made.steps, report=progress)
        except (asyncio.CancelledError, TopologyError):
            click.echo(f"Stopped after {progress.done} of {len(made.steps)} changes; apply again to go on.", err=True)
            raise
        return made, progress.done


async def _difference(wanted: Topology, asked: Asked, management: Management) -> Plan:
    passwords = passwords_asked(wanted, asked)
    observed = await observe(management, vhost_asked(asked), users=asked["users"])
    deletions = Deletions(frozenset(asked["delete_queue"]), frozenset(asked["delete_exchange"]))
    return diff(wanted, observed, passwords=passwords, deletions=deletions)


class _Progress:
    """Counts the steps that are done, and shows each."""

    def __init__(self, steps: int, *, quiet: bool) -> None:
        self.done = 0
        self._steps = steps
        self._quiet = quiet

    def __call__(self, step: Step) -> None:
        self.done += 1
        if not self._quiet:
            click.echo(f"[{self.done:>{len(str(self._steps))}}/{self._steps}] {step_line(step)}")


def _answering(asked: Asked, act: Callable[[], T]) -> T:
    """Do something; with --json an error is an answer, too."""
    try:
        return act()
    except TopologyError as error:
        if not asked["as_json"]:
            raise
        faults = error.faults if isinstance(error, InvalidTopology) else ()
        _print_json({"error": str(error), "faults": faults_json(faults)})
        raise click.exceptions.Exit(1) from error


def _print_json(answer: object) -> None:
    click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
