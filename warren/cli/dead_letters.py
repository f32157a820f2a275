"""`warren dead-letters`: what no agent could handle, to be looked at, replayed and discarded."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click
import orjson

from agents.deadletters.desk import Case, Desk, Filter, NotReplayable
from agents.deadletters.tables import app
from streams.broker import Broker
from streams.errors import Conflict
from topology.load import load_shop
from topology.spec import nearest
from warren.cli.dead_letters_output import Group, full, grouped, line_of
from warren.settings import load_settings
from warren.system import open_service_store, open_system

_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_ALL = click.option("--all", "everything", is_flag=True, help="All letters that are open.")
_DRY = click.option("--dry-run", is_flag=True, help="Tell which letters it would be; change nothing.")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


_BY = click.option("--by", default=_login, help="Who you are, for the trail. [default: the login name]")


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    @click.option("--agent", help="Only letters of this agent: `count`, or `orders/count`.")
    @click.option("--kind", help="Only letters with this kind of error, as `list` groups them.")
    @click.option("--source", help="Only letters from this queue or log.")
    @wraps(command)
    def with_filters(agent: str | None, kind: str | None, source: str | None, **options: Any) -> Any:
        return command(wanted=Filter(agent, kind, source), **options)

    return with_filters


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at dead letters, replay and discard them. Looking changes nothing.

    \b
    Examples:
      warren dead-letters list                      how many, by agent and error
      warren dead-letters show 3f9a                 one of them, with its error and body
      warren dead-letters replay --kind ValueError  those with this error, once more
    """


@dead_letters.command("list")
@_filters
@click.option("--closed", is_flag=True, help="Count those that were replayed or discarded too.")
@_JSON
def list_letters(wanted: Filter, closed: bool, as_json: bool) -> None:
    """Count letters by agent and error.

    \b
    Examples:
      warren dead-letters list
      warren dead-letters list --agent orders/orders --json | jq '.groups[].ids'
    """

    async def run() -> list[Group]:
        async with _desk("") as (desk, _):
            chosen = Filter(wanted.agent, wanted.kind, wanted.source, closed)
            return grouped([case async for case in desk.cases(chosen)])

    groups = asyncio.run(run())
    if as_json:
        _print({"groups": [group.as_json() for group in groups]})
        return
    for group in groups:
        click.echo(group.line())
    click.echo(f"{sum(len(group.cases) for group in groups)} letters" if groups else "no dead letters")


@dead_letters.command()
@click.argument("id")
@_JSON
def show(id: str, as_json: bool) -> None:
    """Show one letter: why it died, its headers and body, and what was done about it. Secrets are hidden.

    \b
    Examples:
      warren dead-letters show 3f9a1c2b77d0e4a5
      warren dead-letters show 3f9a --json
    """

    async def run() -> Case:
        async with _desk("") as (desk, _):
            return await _one(desk, id)

    case = asyncio.run(run())
    if as_json:
        _print(full(case))
        return
    for name, value in full(case).items():
        click.echo(f"{name:<14} {line_of(value)}")


@dead_letters.command()
@click.argument("ids", nargs=-1)
@_filters
@_ALL
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), default=50.0, help="Letters a second. [default: 50]"
)
@_DRY
@_BY
@_JSON
def replay(
    ids: tuple[str, ...], wanted: Filter, everything: bool, rate: float, dry_run: bool, by: str, as_json: bool
) -> None:
    """Send letters once more to where they came from, and to the agent alone that gave them up.

    A log agent counts a letter once, however often it is replayed.

    \b
    Examples:
      warren dead-letters replay 3f9a1c2b77d0e4a5
      warren dead-letters replay --agent orders/orders --kind KeyError --dry-run
      warren dead-letters replay --all --rate 10
    """
    _check_choice(ids, wanted, everything)

    async def act(desk: Desk, broker: Broker | None, case: Case) -> None:
        assert broker is not None
        await desk.replay(case, broker, frozenset(service.name for service in load_shop().services))
        await asyncio.sleep(1 / rate)

    _carry_out("replayed", act, ids, wanted, dry_run=dry_run, by=by, as_json=as_json, sends=True)


@dead_letters.command()
@click.argument("ids", nargs=-1)
@_filters
@_ALL
@click.option("--why", default="", help="The reason, for the trail.")
@_DRY
@_BY
@_JSON
def discard(
    ids: tuple[str, ...], wanted: Filter, everything: bool, why: str, dry_run: bool, by: str, as_json: bool
) -> None:
    """Close letters without replaying them; they stay on record.

    \b
    Examples:
      warren dead-letters discard 3f9a1c2b77d0e4a5 --why 'test data'
      warren dead-letters discard --source payments.commands --kind expired --dry-run
    """
    _check_choice(ids, wanted, everything)

    async def act(desk: Desk, broker: Broker | None, case: Case) -> None:
        await desk.discard(case, why)

    _carry_out("discarded", act, ids, wanted, dry_run=dry_run, by=by, as_json=as_json, sends=False)


def _check_choice(ids: tuple[str, ...], wanted: Filter, everything: bool) -> None:
    if not ids and wanted == Filter() and not everything:
        raise click.UsageError("say which letters: their ids, --agent, --kind, --source, or --all")
    if ids and wanted != Filter():
        raise click.UsageError("name letters by their ids or by filters, not both")


def _carry_out(
    done: str,
    act: Callable[[Desk, Broker | None, Case], Awaitable[None]],
    ids: tuple[str, ...],
    wanted: Filter,
    *,
    dry_run: bool,
    by: str,
    as_json: bool,
    sends: bool,
) -> None:
    """Do something to each letter that is meant, and tell of each. Ends with status 1 where some could not be done."""

    async def run() -> list[tuple[Case, str]]:
        async with _desk(by, sends=sends and not dry_run) as (desk, broker):
            chosen = [await _one(desk, id) for id in ids] or [case async for case in desk.cases(wanted)]
            if dry_run:
                return [(case, "") for case in chosen]
            return [(case, await _tried(act(desk, broker, case))) for case in chosen]

    outcomes = asyncio.run(run())
    _tell(f"would be {done}" if dry_run else done, outcomes, as_json)
    if any(problem for _, problem in outcomes):
        raise click.exceptions.Exit(1)


async def _tried(action: Awaitable[None]) -> str:
    try:
        await action
    except (NotReplayable, Conflict) as error:
        return str(error)
    return ""


def _tell(done: str, outcomes: list[tuple[Case, str]], as_json: bool) -> None:
    if as_json:
        rows = [{"id": case.letter.id, "outcome": problem or done, "done": not problem} for case, problem in outcomes]
        _print({"letters": rows})
        return
    for case, problem in outcomes:
        letter = case.letter
        click.echo(f"{letter.id} {case.place} {letter.type} from {letter.source}: {problem or done}")
    click.echo(f"{sum(not problem for _, problem in outcomes)} of {len(outcomes)} {done}")


@asynccontextmanager
async def _desk(by: str, *, sends: bool = False) -> AsyncIterator[tuple[Desk, Broker | None]]:
    """A desk on the letters' store; with a broker only where something is to be sent."""
    settings = load_settings()
    async with AsyncExitStack() as stack:
        if sends:
            system = await stack.enter_async_context(open_system(settings, [app.id]))
            store, broker = system.stores[app.id], system.broker
        else:
            store, broker = await open_service_store(settings, app, stack), None
        yield Desk(store, by=by, now=lambda: datetime.now(UTC)), broker


async def _one(desk: Desk, id: str) -> Case:
    found = await desk.find(id)
    exact = [case for case in found if case.letter.id == id]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise click.UsageError(f"{id!r} is the beginning of several: {', '.join(case.letter.id for case in found)}")
    some = [case.letter.id async for case in desk.cases(Filter(closed=True))][:1_000]
    raise click.UsageError(f"there is no dead letter {id!r}{nearest(id, some)}: `warren dead-letters list --json`")


def _print(value: dict[str, Any]) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
