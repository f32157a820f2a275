"""`warren demo`: the whole shop in one process, with shoppers in it."""

import asyncio
from pathlib import Path
from random import SystemRandom

import click
import uvloop

from warren.catalog import stock_shop
from warren.logs import configure
from warren.serving import running
from warren.settings import Settings, embedded_settings
from warren.shoppers import Shoppers
from warren.signals import stop_on_signals

HOST = "127.0.0.1"


@click.command()
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="Port on 127.0.0.1; 0: any."
)
@click.option(
    "--data",
    default=Path(".warren"),
    show_default=True,
    envvar="WARREN_DATA",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything is kept. The next demo goes on from there.",
)
@click.option("--rate", default=2.0, show_default=True, type=click.FloatRange(0.01, 1_000), help="Orders a second.")
def demo(port: int, data: Path, rate: float) -> None:
    """Run the whole shop in this process, with simulated shoppers; needs no server. Ctrl-C stops it.

    \b
    Examples:
      warren demo
      warren demo --port 8080 --rate 20
    """
    configure("warning")
    uvloop.run(_demo(embedded_settings(data), port, rate))


async def _demo(settings: Settings, port: int, rate: float) -> None:
    stop = stop_on_signals()
    async with running(settings, address=(HOST, port), prepare=stock_shop) as url:
        _welcome(url)
        shoppers = Shoppers(url, SystemRandom(), per_second=rate)
        shopping = asyncio.create_task(shoppers.run())
        await stop.wait()
        click.echo("stopping …", err=True)
        shopping.cancel()
        await asyncio.gather(shopping, return_exceptions=True)
    click.echo("stopped; the next demo goes on from here", err=True)


def _welcome(url: str) -> None:
    click.echo(
        f"""The shop is open: {url}

  {url}/dashboard                what is going on, live
  {url}/api/analytics/revenue    what it has earned
  {url}/api/tables/orders        its orders
  {url}/outbox                   what its customers were told
  {url}/docs                     its HTTP interface

Nobody has to log in, as only this machine can reach it; `warren run` asks. Ctrl-C stops it."""
    )
