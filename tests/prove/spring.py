"""A trap in a worker's way: at a chosen point something happens to the worker, once."""

import os
import signal
from collections.abc import Callable
from typing import Final, Literal

Way = Literal["kill", "stop", "cut", "raise"]
WAYS: Final[tuple[Way, ...]] = ("kill", "stop", "cut", "raise")
"""SIGKILL; SIGSTOP, until another process sends SIGCONT; the network is cut; an exception that nobody expects."""

CUT_DONE: Final = signal.SIGUSR1
CUT_SECONDS: Final = 20


class Struck(RuntimeError):
    """What the way `raise` raises."""


class Spring:
    """Springs when `point` is passed for the `nth` time. Without a point it never does."""

    def __init__(self, tell: Callable[[str], None], point: str = "", way: Way = "kill", nth: int = 1) -> None:
        """`tell` is told the point, and has said so outside when it returns."""
        self._tell = tell
        self._point = point
        self._way: Way = way
        self._left = nth
        self.publishes_again = False
        """Whether a checkpoint with an outbox was taken over: what is published next is that."""
        if way == "cut":
            # Waited for by `sigtimedwait`, and so never delivered.
            signal.pthread_sigmask(signal.SIG_BLOCK, [CUT_DONE])

    def at(self, point: str) -> None:
        """This point is passed. Returns, raises, or the process ends here."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            self._tell(point)
            self._strike()

    def _strike(self) -> None:
        match self._way:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "cut":
                assert signal.sigtimedwait([CUT_DONE], CUT_SECONDS), "the network was not cut"
            case "raise":
                raise Struck(f"at {self._point}")
