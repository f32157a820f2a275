"""`warren stores`: what tables the services need, and making them."""

import asyncio
from collections.abc import Sequence

import click
import orjson

from agents.auth.schema import migrate, pending
from agents.registry import AGENTS, load
from stores.port import Change
from stores.urls import open_store
from streams import App
from warren.accounts import AUTH, database_of
from warren.settings import Settings, load_settings

_SERVICES = click.argument("services", nargs=-1, type=click.Choice(sorted(AGENTS)))
_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def stores() -> None:
    """Show and make the tables that services keep their state in.

    \b
    Examples:
      warren stores plan                 what is missing, for every service
      warren stores apply orders         make what the orders service needs
    """


@stores.command()
@_SERVICES
@_JSON
def plan(services: Sequence[str], as_json: bool) -> None:
    """Show what `apply` would do; changes nothing.

    \b
    Examples:
      warren stores plan
      warren stores plan orders --json | jq -r '.changes[].statement'
    """
    changes = asyncio.run(_run(services, apply=False))
    if as_json:
        _print_json(changes)
        return
    for service, change in changes:
        click.echo(f"{_line(service, change)}\n  {change.statement}")
    if not changes:
        click.echo("nothing to do: the tables are there")


@stores.command()
@_SERVICES
@_JSON
def apply(services: Sequence[str], as_json: bool) -> None:
    """Make missing tables and indexes. Drops nothing; may be run any number of times, and by several at once.

    \b
    Examples:
      warren stores apply
      WARREN_STORE=postgresql://orders:secret@db/orders warren stores apply orders
    """
    changes = asyncio.run(_run(services, apply=True))
    if as_json:
        _print_json(changes)
        return
    for service, change in changes:
        click.echo(_line(service, change))
    click.echo(f"{len(changes)} made" if changes else "nothing was to be done: the tables were there")


async def _run(services: Sequence[str], *, apply: bool) -> list[tuple[str, Change]]:
    settings = load_settings()
    settings.check_services(AGENTS)
    done: list[tuple[str, Change]] = []
    for app in load(services or AGENTS):
        done += [(app.id, change) for change in await _changes(settings, app, apply=apply)]
        if app.id == AUTH:
            done += [(app.id, change) for change in await _of_accounts(settings, apply=apply)]
    return done


async def _changes(settings: Settings, app: App, *, apply: bool) -> list[Change]:
    store = open_store(settings.store_url(app.id).get_secret_value(), app.id)
    await store.open()
    try:
        return await (store.apply if apply else store.plan)(app.specs())
    finally:
        await store.close()


async def _of_accounts(settings: Settings, *, apply: bool) -> list[Change]:
    database = database_of(settings)
    try:
        steps = await (migrate if apply else pending)(database)
    finally:
        await database.close()
    return [Change("create", f"{step.title} (migration {step.revision})", step.statements) for step in steps]


def _line(service: str, change: Change) -> str:
    return f"{service}: {change.action} {change.target}"


def _print_json(changes: list[tuple[str, Change]]) -> None:
    rows = [
        {"service": service, "action": c.action, "target": c.target, "statement": c.statement} for service, c in changes
    ]
    click.echo(orjson.dumps({"changes": rows}, option=orjson.OPT_INDENT_2))
