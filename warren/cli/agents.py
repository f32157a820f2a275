"""`warren agents`: how far log agents have come, and letting them begin again."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from agents.registry import AGENTS, load
from stores.port import Roster, Slot, Standing
from streams import App
from streams.agent import Agent
from streams.broker import Extent
from streams.editions import forwarder_name
from streams.graph import at_work, is_log_agent, tables_of
from streams.rebuild import Difference, Rebuild, Rebuilt
from streams.rewind import Rewind, Target
from streams.source import Source, sources
from topology.load import load_shop
from topology.spec import Topology, nearest
from warren.cli.repartition import repartition
from warren.cli.tool import surroundings, tool_name
from warren.settings import load_settings
from warren.system import System, open_system

EXAMPLES = 5
"""Keys that are told of each kind of difference."""

_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


class _Target(click.ParamType):
    """`first`, an offset, or a moment."""

    name = "first|OFFSET|TIME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        if value == "first":
            return "first"
        if value.isascii() and value.isdecimal():
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither `first`, nor an offset, nor a time such as 2026-11-22T20:00:00Z")
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.group()
def agents() -> None:
    """Show how far log agents have come, and let them begin again.

    \b
    Examples:
      warren agents list                          positions, owners, what waits
      warren agents rebuild analytics             make its tables again and compare
      warren agents reset analytics --to first    empty its tables and read everything again
      warren agents repartition orders.commands   after its log got a new number of partitions
    """


agents.add_command(repartition)


@agents.command("list")
@click.argument("services", nargs=-1, type=click.Choice(sorted(AGENTS)))
@_JSON
def list_agents(services: Sequence[str], as_json: bool) -> None:
    """Show each log agent on each partition: its owner, its position, and what its log holds.

    \b
    Examples:
      warren agents list
      warren agents list orders --json | jq '.agents[] | {agent, position, last}'
    """
    rows = asyncio.run(_rows(services or tuple(AGENTS)))
    if as_json:
        click.echo(orjson.dumps({"agents": rows}, option=orjson.OPT_INDENT_2))
        return
    for row in rows:
        click.echo(_line(row))


@agents.command()
@click.argument("agent")
@click.option("--to", "target", type=_Target(), required=True, help="Where to begin: in UTC, where it is a time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_JSON
def reset(agent: str, target: Target, yes: bool, as_json: bool) -> None:
    """Empty an agent's tables, and let it read its log again from an earlier place.

    Its workers must have stopped. Nothing is sent again: sends stay off until the agent is where it was. Begin from
    anywhere but `first`, and the tables lack what came before.

    \b
    Examples:
      warren agents reset analytics/analytics --to first
      warren agents reset analytics --to 2026-11-01T00:00:00Z
      warren agents reset analytics --to 120000 --yes
    """
    if not yes:
        click.confirm(f"Empty the tables of {agent} and read its log again from {target}?", abort=True, err=True)
    done = asyncio.run(_reset(agent, target))
    if as_json:
        click.echo(orjson.dumps({"partitions": done}, option=orjson.OPT_INDENT_2))
        return
    for row in done:
        begins = "the beginning" if row["next"] < 0 else f"offset {row['next']}"
        sends = "" if row["quiet"] < 0 else f"; sends are off up to offset {row['quiet']}"
        click.echo(f"{row['agent']} begins at {begins}; it was at {row['before']}{sends}")


@dataclass(frozen=True, slots=True)
class Found:
    """A log agent of the shop."""

    app: App
    agent: Agent
    system: System

    @property
    def name(self) -> str:
        """`service/agent`."""
        return f"{self.app.id}/{self.agent.name}"

    @property
    def sources(self) -> tuple[Source, ...]:
        """The partitions of its log."""
        return tuple(sources(self.system.topology.logs[self.agent.topic.names[0]]))

    def rewind(self, source: Source) -> Rewind:
        """The tool that takes it back on one partition."""
        return Rewind(
            self.agent.name,
            source,
            tables_of(self.agent, self.app),
            self.system.stores[self.app.id],
            self.system.broker,
            tool_name(),
            self.system.settings.lease,
            random.SystemRandom(),
        )


@asynccontextmanager
async def found(name: str) -> AsyncIterator[Found]:
    """The log agent of that name, `agent` or `service/agent`, with its service's store and the broker open."""
    async with AsyncExitStack() as stack:
        topology = load_shop()
        candidates = {f"{app.id}/{agent.name}": (app, agent) for app in load() for agent in at_work(app, topology)}
        chosen = [full for full in candidates if name in (full, full.partition("/")[2])]
        if len(chosen) != 1:
            raise click.UsageError(
                f"{name!r} is the name of several agents: {', '.join(chosen)}"
                if chosen
                else f"there is no agent {name!r}{nearest(name, candidates)} (agents: {', '.join(candidates)})"
            )
        app, agent = candidates[chosen[0]]
        system = await stack.enter_async_context(open_system(load_settings(), [app.id]))
        if not is_log_agent(agent, system.topology):
            raise click.UsageError(f"{chosen[0]} reads queues: only an agent that reads a log can read it again")
        yield Found(app, agent, system)


@agents.command()
@click.argument("agent")
@click.option("--swap", is_flag=True, help="Put the rebuilt tables in the place of the present ones.")
@_JSON
def rebuild(agent: str, swap: bool, as_json: bool) -> None:
    """Make an agent's tables again from its log, beside the present ones, and tell how they differ.

    Nothing is sent. Without --swap nothing changes; with it, the rebuilt tables take the place of the present ones in
    one step. A worker that has the agent goes on meanwhile, and waits for the last stretch alone. Refused where the
    log's beginning is no longer kept.

    \b
    Examples:
      warren agents rebuild analytics
      warren agents rebuild orders/orders --swap
    """
    found_ = asyncio.run(_rebuild(agent, swap))
    if as_json:
        click.echo(orjson.dumps({"partitions": [_rebuilt_json(one) for one in found_]}, option=orjson.OPT_INDENT_2))
        return
    for one in found_:
        click.echo(f"{one.slot}: {one.events} events up to offset {one.position}, {one.dead} dead letters")
        for table in one.differences:
            click.echo(f"  {_difference_line(table)}")
    click.echo(
        "the rebuilt tables are in place" if swap else "nothing was changed: --swap puts the rebuilt tables in place"
    )


async def _rebuild(name: str, swap: bool) -> list[Rebuilt]:
    async with found(name) as agent:
        around = surroundings(agent.system, agent.app.id)
        tools = [Rebuild(agent.app, agent.agent, source, around) for source in agent.sources]
        return [await tool.run(swap=swap) for tool in tools]


def _rebuilt_json(one: Rebuilt) -> dict[str, Any]:
    tables = [
        {"table": d.table, "same": d.same, "missing": d.missing, "extra": d.extra, "changed": d.changed}
        for d in one.differences
    ]
    return {
        "agent": str(one.slot),
        "position": one.position,
        "events": one.events,
        "dead": one.dead,
        "tables": tables,
        "swapped": one.swapped,
    }


def _difference_line(table: Difference) -> str:
    kinds = {"missing": table.missing, "too many": table.extra, "different": table.changed}
    told = [
        f"{len(keys)} {kind} ({', '.join(keys[:EXAMPLES])}{', …' if len(keys) > EXAMPLES else ''})"
        for kind, keys in kinds.items()
        if keys
    ]
    return f"{table.table}: {table.same} rows the same" + "".join(f", {one}" for one in told)


async def _reset(name: str, target: Target) -> list[dict[str, Any]]:
    async with found(name) as agent:
        done = [await agent.rewind(source).to(target) for source in agent.sources]
    return [
        {"agent": f"{agent.app.id}/{one.slot}", "before": one.before, "next": one.next, "quiet": one.quiet}
        for one in done
    ]


async def _rows(services: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async with open_system(load_settings(), services) as system:
        for app in system.apps:
            read = list(_read(app, system.topology))
            if not read:
                continue
            store = system.stores[app.id]
            standings = {standing.slot: standing for standing in await store.standings()}
            roster = await store.roster()
            for slot, source in read:
                extent = await system.broker.extent(source.stream)
                rows.append(_row(app.id, slot, source, standings.get(slot), roster, extent))
    return rows


def _read(app: App, topology: Topology) -> Iterator[tuple[Slot, Source]]:
    """The slots of a service, forwarders first, each with what it reads."""
    for log in topology.service(app.id).logs:
        if log.partitions > 1:
            yield Slot(forwarder_name(log)), Source(log.name, log.name)
    for agent in at_work(app, topology):
        if is_log_agent(agent, topology):
            for source in sources(topology.logs[agent.topic.names[0]]):
                yield Slot(agent.name, source.partition), source


def _row(
    service: str, slot: Slot, source: Source, standing: Standing | None, roster: Roster, extent: Extent
) -> dict[str, Any]:
    holding = roster.held.get(slot)
    standing = standing or Standing(slot, -1, -1, 0, 0)
    return {
        "agent": f"{service}/{slot.agent}",
        "partition": slot.partition,
        "owner": holding.worker if holding else None,
        "log": source.stream,
        "position": standing.position,
        "first": extent.first,
        "last": extent.last,
        "quiet": standing.quiet,
        "due": standing.due,
        "dead": standing.dead,
    }


def _line(row: dict[str, Any]) -> str:
    owner = f"in worker {row['owner']}" if row["owner"] else "not at work"
    waits = [f"{row[name]} {text}" for name, text in (("due", "due times"), ("dead", "dead letters")) if row[name]]
    if row["quiet"] > row["position"]:
        waits.append(f"sends off up to {row['quiet']}")
    name = f"{row['agent']}/{row['partition']}"
    where = f"at {row['position']} of {row['log']} ({row['first']} to {row['last']})"
    return ", ".join([f"{name:<32} {where}", owner, *waits])
