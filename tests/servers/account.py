"""The system user that a server runs as, and the directories it may write to."""

import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.servers.errors import ServerUnavailable


@dataclass(frozen=True, slots=True)
class Account:
    """A system user."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give a file or directory to this user."""
        os.chown(path, self.uid, self.gid)


def account(name: str) -> Account:
    """The user of that name when we are root (servers must not run as root), else ourselves."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ServerUnavailable(
            f"servers do not run as root, and there is no system user {name!r}: "
            f"run `useradd --system {name}`, or run the tests as another user"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def private_directory(prefix: str, owner: Account, parent: Path | None = None) -> Path:
    """A new directory of that user, below the system's for temporary files where no other is named."""
    directory = Path(tempfile.mkdtemp(prefix=f"warren-{prefix}-", dir=parent))
    owner.own(directory)
    return directory


def remove_directory(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
