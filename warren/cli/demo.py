"""`warren demo`: the whole shop in one process, with shoppers in it."""

import asyncio
from pathlib import Path
from random import SystemRandom

import click
import uvloop

from agents.auth.users import NewUser
from warren.catalog import stock_shop
from warren.log_in import LogIn
from warren.logs import configure
from warren.serving import running
from warren.settings import Settings, embedded_settings
from warren.shoppers import Shoppers
from warren.signals import stop_on_signals
from warren.staff import new_staff
from warren.system import System

HOST = "127.0.0.1"
_OPEN = "Nobody has to log in, as only this machine can reach it; `warren demo --login` and `warren run` ask"


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
@click.option("--login", is_flag=True, help="Ask everybody who they are, as `warren run` does; tells who may do all.")
def demo(port: int, data: Path, rate: float, login: bool) -> None:
    """Run the whole shop in this process, with simulated shoppers; needs no server. Ctrl-C stops it.

    \b
    Examples:
      warren demo
      warren demo --port 8080 --rate 20
      warren demo --login
    """
    configure("warning")
    settings = embedded_settings(data)
    uvloop.run(_demo(settings.model_copy(update={"auth": "required"}) if login else settings, port, rate))


async def _demo(settings: Settings, port: int, rate: float) -> None:
    stop, chance = stop_on_signals(), SystemRandom()
    staff = new_staff(chance) if settings.auth == "required" else None

    async def prepare(system: System) -> None:
        await stock_shop(system)
        if staff and system.accounts:
            await system.accounts.accounts.register(staff)

    async with running(settings, address=(HOST, port), prepare=prepare) as url:
        _welcome(url, staff)
        log_in = LogIn(staff.email, staff.password) if staff else None
        shoppers = Shoppers(url, chance, per_second=rate, staff=log_in)
        shopping = asyncio.create_task(shoppers.run())
        await stop.wait()
        click.echo("stopping …", err=True)
        shopping.cancel()
        await asyncio.gather(shopping, return_exceptions=True)
    click.echo("stopped; the next demo goes on from here", err=True)


def _welcome(url: str, staff: NewUser | None) -> None:
    who = f"Log in as {staff.email}, with {staff.password}" if staff else _OPEN
    click.echo(
        f"""The shop is open: {url}

  {url}/dashboard                what is going on, live
  {url}/api/analytics/revenue    what it has earned
  {url}/api/tables/orders        its orders
  {url}/outbox                   what its customers were told
  {url}/docs                     its HTTP interface

{who}. Ctrl-C stops it."""
    )
