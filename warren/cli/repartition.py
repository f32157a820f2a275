"""`warren agents repartition`: a new number of partitions for a log that stands."""

import asyncio
import random
from collections.abc import Iterator

import click

from agents.registry import load
from streams.graph import at_work
from streams.move import Reader
from streams.repartition import Repartition, Repartitioned
from topology.load import load_shop
from topology.spec import Topology, nearest
from warren.cli.tool import surroundings
from warren.settings import load_settings
from warren.system import System, open_system


@click.command()
@click.argument("log")
def repartition(log: str) -> None:
    """Move what agents keep of a log to its new number of partitions.

    Write the number, and `edition: 2` (then 3, …) beside it, into the log's file, run `warren topology apply`, then
    this, and start the workers again. Until then they may work: this takes their slots away. All agents that read the
    log are let read what was forwarded already; then the rows, due times and dead letters of each go to the partitions
    of their keys in one commit. The new partitions are filled from the log's beginning, and everything that was counted
    is known. Broken off, it is run again.

    \b
    Examples:
      warren agents repartition orders.commands
    """
    done = asyncio.run(_repartition(log))
    if not done.readers:
        click.echo(f"nothing to do: log {log} has its {done.before} partitions")
        return
    click.echo(f"log {log} had {done.before} partition{'s' if done.before > 1 else ''}")
    click.echo("workers with the topology before have left: start them again")
    for one in done.readers:
        kept = f"{one.rows} rows, {one.due} due times and {one.dead} dead letters moved"
        click.echo(f"  {one.agent}: {kept if one.position >= 0 else 'has read nothing, and begins anew'}")


async def _repartition(name: str) -> Repartitioned:
    topology = load_shop()
    if name not in topology.logs:
        raise click.UsageError(f"there is no log {name!r}{nearest(name, topology.logs)}")
    owner = next(service.name for service in topology.services if name in {log.name for log in service.logs})
    services = {app.id for app in load() for agent in at_work(app, topology) if name in agent.topic.names}
    async with open_system(load_settings(), sorted(services | {owner})) as system:
        readers = tuple(_readers(system, topology, name))
        around = surroundings(system, owner)
        tool = Repartition(system.topology.logs[name], readers, around, owner, random.SystemRandom())
        return await tool.run()


def _readers(system: System, topology: Topology, log: str) -> Iterator[Reader]:
    for app in system.apps:
        for agent in at_work(app, topology):
            if log in agent.topic.names:
                yield Reader(app, agent, surroundings(system, app.id))
