"""The options that `warren topology` commands share, and what they stand for."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, TypeVar

import click

from topology.address import management_of, vhost_of
from topology.credentials import Password, from_environment, from_folder
from topology.load import load, shop
from topology.management import Management
from topology.spec import Topology

F = TypeVar("F", bound=Callable[..., None])


class Asked(TypedDict):
    """The options of commands that speak to a broker."""

    path: tuple[Path, ...]
    broker: str
    management: str | None
    vhost: str | None
    users: bool
    secrets: Path | None
    delete_queue: tuple[str, ...]
    delete_exchange: tuple[str, ...]
    as_json: bool


PATHS = click.Path(path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_OPTIONS = (
    click.option("--path", multiple=True, type=PATHS, help="A topology file or folder. [default: the shop's]"),
    click.option(
        "--broker",
        envvar="WARREN_BROKER",
        default="amqp://guest:guest@localhost:5672/",
        help="Where RabbitMQ is; only names what is not given below. [env: WARREN_BROKER]",
    ),
    click.option(
        "--management",
        envvar="WARREN_MANAGEMENT",
        help="Its management API, with an administrator. "
        "[env: WARREN_MANAGEMENT; default: the broker's host, port 15672]",
    ),
    click.option("--vhost", help="The virtual host. [default: the broker's]"),
    click.option("--users", is_flag=True, help="Look after a user and permissions for each service, too."),
    click.option(
        "--secrets",
        type=PATHS,
        help="With --users: a folder with a file per service that holds its password, "
        "beside the environment variables WARREN_PASSWORD_<SERVICE>.",
    ),
    click.option("--delete-queue", multiple=True, metavar="NAME", help="Delete this queue or log if it is empty."),
    click.option("--delete-exchange", multiple=True, metavar="NAME", help="Delete this exchange if nothing needs it."),
    JSON,
)


def broker_options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def load_asked(asked: Asked) -> Topology:
    return load(*(asked["path"] or [shop()]))


def management_asked(asked: Asked) -> Management:
    return Management(asked["management"] or management_of(asked["broker"]))


def vhost_asked(asked: Asked) -> str:
    return asked["vhost"] or vhost_of(asked["broker"])


def passwords_asked(wanted: Topology, asked: Asked) -> dict[str, Password] | None:
    """None where users are not asked for."""
    folder = asked["secrets"]
    if not asked["users"]:
        if folder:
            raise click.UsageError("--secrets does nothing without --users")
        return None
    names = [service.name for service in wanted.services]
    return from_environment(names, os.environ) | (from_folder(names, folder) if folder else {})
