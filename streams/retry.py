"""How often a failing event is tried again, and when."""

from dataclasses import dataclass

LOG_DELAYS = (0.1, 0.3, 0.6)
"""A log agent tries an event alone, this many seconds after each failure, then gives it to the dead letters."""

HANDLER_FAILURES_IN_A_ROW = 10
"""After this many dead letters by one cause, the handler, with nothing handled between, a log agent pauses."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting between tries at something that is down: 0.1 s, 0.2 s, 0.4 s, … up to `longest`."""

    first: float = 0.1
    longest: float = 5.0

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds to wait after the `failures`th failure in a row; `jitter` in [0, 1) takes off up to a half."""
        full = min(self.longest, self.first * 2.0 ** min(failures - 1, 16))
        return full * (1.0 - jitter / 2)
