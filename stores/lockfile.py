"""A lock on a file, which the operating system gives up when its holder ends, however it ends."""

import os
import sys
from pathlib import Path

from stores.errors import StoreRefused

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # Not `lockf`: its locks are a process's, and would let one process open the same store twice.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class LockFile:
    """Held from `acquire` to `release`. The file stays: to remove it would let two processes lock two files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises StoreRefused where another holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise StoreRefused(
                f"{self._path} is locked: another process, or another store of this one, has the file beside it open. "
                "Stop it, or give each its own file"
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """May be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
