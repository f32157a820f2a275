"""`warren provider`: the simulated payment provider as a web service of its own."""

import click
import uvloop

from agents.payments.provider.service import Service
from api.server import serve
from warren.cli.announcing import announce
from warren.logs import configure
from warren.outside import simulated_provider
from warren.settings import Settings, load_settings
from warren.signals import stop_on_signals

GRACE = 1
"""Seconds for requests under way at stop: those that hang would hang for ever."""


@click.command()
@click.option("--host", help="Address to listen on. [env: WARREN_HTTP_HOST; default: 127.0.0.1]")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any free one.")
def provider(host: str | None, port: int) -> None:
    """Serve a simulated payment provider, for workers that have WARREN_PROVIDER=http://HOST:PORT.

    What it does follows from the payment token: tok_ok works, tok_decline is refused, tok_hang never answers, tok_flaky
    is out of order twice and then works, tok_lost works and its first answer is lost, tok_stuck works and its
    refunds never do; tok_decline_capture refuses the capture, and so on. Its book is provider.db under WARREN_DATA.

    \b
    Examples:
      warren provider
      warren provider --host 0.0.0.0 --port 8080
    """
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    uvloop.run(_serve(settings, host or settings.http_host, port))


async def _serve(settings: Settings, host: str, port: int) -> None:
    stop = stop_on_signals()
    simulator = simulated_provider(settings)
    try:
        async with serve(Service(simulator).app(), host, port, grace=GRACE) as bound:
            announce(f"http://{f'[{host}]' if ':' in host else host}:{bound}")
            await stop.wait()
    finally:
        await simulator.close()
