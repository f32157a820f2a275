"""Servers from Debian's packages."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from tests.servers.errors import ServerUnavailable

# The tests run nodes of their own, on ports of their own. RUNLEVEL keeps the packages from starting theirs, except
# where systemd runs, which does not look at it.
_ENVIRONMENT = ("env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")


def install(packages: Sequence[str]) -> None:
    """Install these packages. Raises ServerUnavailable, with the command to run, where we may not."""
    by_hand = " ".join(("sudo", *_INSTALL, *packages))
    if shutil.which("apt-get") is None:
        raise ServerUnavailable(f"install {' and '.join(packages)} with this system's package manager, or start Docker")
    rights = _rights()
    if rights is None:
        raise ServerUnavailable(f"installing needs root: run `{by_hand}`, or start Docker, and try again")
    print(
        f"installing Debian's packages {' '.join(packages)} (this needs root; where systemd runs, they start services)",
        flush=True,
    )
    _run(*rights, *_ENVIRONMENT, "apt-get", "update", "--quiet", "--quiet")
    _run(*rights, *_ENVIRONMENT, *_INSTALL, "--quiet", "--quiet", *packages)


def _rights() -> tuple[str, ...] | None:
    if os.geteuid() == 0:
        return ()
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0
    ):
        return ("sudo", "-n")
    return None


def _run(*command: str) -> None:
    # A failure is told and not raised: a package whose own service could not start has its programs in place all the
    # same, and a package list that cannot be fetched may not matter. Who needs the programs looks for them.
    code = subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
    if code:
        print(f"`{' '.join(command)}` ended with status {code}", flush=True)
