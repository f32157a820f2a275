"""The engine's log: structured, one line for what happens to an agent, none for an event."""

import structlog
from structlog.typing import FilteringBoundLogger

log: FilteringBoundLogger = structlog.get_logger("warren.streams")
