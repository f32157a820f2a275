"""`warren run`, `warren worker` and `warren api`: the processes of the shop."""

from collections.abc import Sequence

import click

from agents.registry import AGENTS
from api.endpoints import OPERATIONS
from warren.cli.announcing import announce
from warren.logs import configure
from warren.serving import run_until_signal
from warren.settings import Settings, load_settings
from warren.split import GATEWAY, PARTS, share_of

_HOST = click.option("--host", help="Address to listen on. [env: WARREN_HTTP_HOST; default: 127.0.0.1]")
_PORT = click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port; 0: any. [env: WARREN_HTTP_PORT; default: 8000]"
)


@click.command()
@_HOST
@_PORT
def run(host: str | None, port: int | None) -> None:
    """Run everything in this process: all agents and the HTTP edge.

    Without WARREN_BROKER it needs no server: the broker and SQLite stores live under WARREN_DATA.

    \b
    Examples:
      warren run                       embedded, on http://127.0.0.1:8000
      warren run --port 0              on any free port
      WARREN_BROKER=amqp://… WARREN_STREAM=rabbitmq-stream://… WARREN_STORE=postgresql://… warren run
    """
    settings = _settings()
    run_until_signal(settings, announce, address=(host or settings.http_host, _port(port, settings)))


@click.command()
@click.argument("services", nargs=-1, type=click.Choice(sorted(AGENTS)))
@click.option("--http", type=click.IntRange(0, 65_535), help="Serve /healthz, /readyz and /metrics on this port.")
@_HOST
def worker(services: Sequence[str], http: int | None, host: str | None) -> None:
    """Run the agents of some services, of all by default, against servers.

    \b
    Examples:
      warren worker                        all agents
      warren worker orders --http 9100     one service, with its metrics
    """
    settings = _settings()
    _servers_only(settings, "worker")
    address = None if http is None else (host or settings.http_host, http)
    run_until_signal(settings, announce, services=services or AGENTS, address=address, routers=OPERATIONS)


@click.command()
@click.option("--service", type=click.Choice([*PARTS, GATEWAY]), help="Serve one part alone; the gateway hands on.")
@_HOST
@_PORT
def api(service: str | None, host: str | None, port: int | None) -> None:
    """Serve the HTTP edge alone; agents run in workers.

    In one process, or in parts: the gateway hands on to WARREN_UPSTREAM_AUTH, _ORDERS and _ANALYTICS.

    \b
    Examples:
      warren api --port 8080
      warren api --service orders --port 8001
      WARREN_UPSTREAM_ORDERS=http://a:8001,http://b:8001 warren api --service gateway
    """
    settings = _settings()
    _servers_only(settings, "api")
    share = share_of(service or GATEWAY, settings)
    run_until_signal(
        share.settings,
        announce,
        services=share.services,
        agents=False,
        address=(host or settings.http_host, _port(port, settings)),
        routers=share.routers,
        part=share.part,
    )


def _settings() -> Settings:
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    return settings


def _port(port: int | None, settings: Settings) -> int:
    return settings.http_port if port is None else port


def _servers_only(settings: Settings, command: str) -> None:
    if settings.embedded:
        raise click.UsageError(
            f"`warren {command}` needs RabbitMQ, since the embedded broker lives in one process: set WARREN_BROKER and "
            "WARREN_STREAM, or use `warren run`"
        )
