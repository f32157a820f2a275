"""What a process that serves says when it is ready."""

from contextlib import suppress

import click


def announce(url: str) -> None:
    """Say on stderr where it serves; "" where it does not. A full disk behind stderr is no reason to end."""
    with suppress(OSError):
        click.echo(f"serving {url}" if url else "running", err=True)
