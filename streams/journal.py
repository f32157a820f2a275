"""The engine's log: structured, one line for what happens to an agent, none for an event."""

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("warren.streams")
