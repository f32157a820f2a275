"""RabbitMQ of another Debian release, in a root of its own (`debootstrap`). Needs root's rights."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.servers.account import Account, private_directory
from tests.servers.errors import ServerUnavailable
from tests.servers.rabbitmq import Installation

MIRROR: Final = "http://deb.debian.org/debian"

# RabbitMQ asks /proc for its memory. It is mounted where nobody else sees it, and goes with the process.
_ENTER: Final = 'mount -t proc proc "$0/proc" && owner="$1" && shift && exec chroot --userspec="$owner" "$0" "$@"'


def roots() -> Path:
    """Where the roots are kept from one run to the next."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "warren" / "roots"


class Root(Installation):
    """The packages of a release (`trixie`, `sid`) below a directory, installed when it is first asked for."""

    def __init__(self, suite: str) -> None:
        """Raises ServerUnavailable where they cannot be had."""
        self._root = roots() / suite
        if not (self._root / "usr/lib/rabbitmq/bin/rabbitmq-server").exists():
            _install(suite, self._root)
        self.scripts = Path("/usr/lib/rabbitmq/bin")
        self.epmd = "/usr/bin/epmd"
        self.owner = self._account()
        self.starter = Account(0, 0)

    @property
    def version(self) -> str:
        """RabbitMQ's."""
        found = subprocess.run(
            ["chroot", str(self._root), "dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"],
            check=True,
            capture_output=True,
            text=True,
        )
        return found.stdout

    def _account(self) -> Account:
        entries = (self._root / "etc/passwd").read_text()
        found = re.search(r"^rabbitmq:[^:]*:(\d+):(\d+):", entries, re.MULTILINE)
        if found is None:
            raise ServerUnavailable(f"{self._root} has no user rabbitmq: remove it, and it is made anew")
        return Account(int(found[1]), int(found[2]))

    def directory(self) -> Path:
        return private_directory("rabbitmq", self.owner, self._root / "tmp")

    def seen(self, path: Path) -> Path:
        return Path("/") / path.relative_to(self._root)

    def command(self, *command: str) -> list[str]:
        owner = f"{self.owner.uid}:{self.owner.gid}"
        return ["unshare", "--mount", "sh", "-c", _ENTER, str(self._root), owner, *command]


def _install(suite: str, root: Path) -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise ServerUnavailable(f"RabbitMQ of Debian {suite} needs root's rights and the package debootstrap")
    root.parent.mkdir(parents=True, exist_ok=True)
    making = root.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", "--include=rabbitmq-server", suite, str(making), MIRROR]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise ServerUnavailable(f"{' '.join(command)} failed:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    (making / "etc/hosts").write_text("127.0.0.1 localhost\n")
    making.rename(root)
