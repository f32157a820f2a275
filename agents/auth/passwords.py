"""Hashing passwords with argon2id, off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

T = TypeVar("T")

THREADS: Final = 2
"""At once, at most: each hash takes 64 MiB and tens of milliseconds of a core."""


class Passwords:
    """What can be done with a password: hash it, and see whether it is the one that was hashed."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """`hasher` has the parameters of RFC 9106's second choice by default: 64 MiB, 3 passes, 4 lanes."""
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        """The hash, with its parameters and its salt."""
        return await self._run(lambda: self._hasher.hash(password))

    async def fits(self, password: str, hash: str | None) -> bool:
        """Whether this is the password of the hash. Without a hash it is not, and to say so takes as long."""
        if hash is None:
            await self.hash(password)
            return False
        return await self._run(lambda: self._verified(password, hash))

    def _verified(self, password: str, hash: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close(self) -> None:
        """Waits for no hash."""
        self._threads.shutdown(wait=False, cancel_futures=True)
