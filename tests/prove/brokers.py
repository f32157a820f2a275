"""`python -m tests.prove.brokers [SUITE…]`: what is promised of RabbitMQ, on the versions of other Debian releases."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import click

from tests.servers.address import BROKER, DEBIAN, MANAGEMENT, STREAM
from tests.servers.errors import ServerUnavailable
from tests.servers.roots import Root

SUITES: Final = ("trixie", "sid")
TESTS: Final = ("tests/streams/broker", "tests/streams/rabbitmq", "tests/topology", "tests/streams/live")


@click.command()
@click.argument("suites", nargs=-1)
def main(suites: Sequence[str]) -> None:
    """Run the tests of the broker, the topology and the live engine on the RabbitMQ of SUITES."""
    failed = [suite for suite in suites or SUITES if not _passes(suite)]
    if failed:
        raise click.ClickException(f"failures on {' and '.join(failed)}")


def _passes(suite: str) -> bool:
    try:
        click.echo(f"RabbitMQ {Root(suite).version}, from Debian {suite}")
    except ServerUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
    elsewhere = {name: value for name, value in os.environ.items() if name not in {BROKER, STREAM, MANAGEMENT}}
    command = [sys.executable, "-m", "pytest", "-q", *TESTS]
    return subprocess.run(command, check=False, env={**elsewhere, DEBIAN: suite}).returncode == 0


if __name__ == "__main__":
    main()
