"""Where spans go, as the settings say."""

import asyncio
from contextlib import AsyncExitStack
from importlib import import_module

from streams.tracing import Tracer
from warren.errors import SettingsError
from warren.settings import Settings


def open_tracer(settings: Settings, stack: AsyncExitStack) -> Tracer | None:
    """What takes spans until the stack is left; None where nobody wants them. Raises SettingsError."""
    if settings.traces is None:
        return None
    try:
        telemetry = import_module("warren.telemetry").exporter(settings.traces.get_secret_value())
    except ModuleNotFoundError as error:
        raise SettingsError(f"WARREN_TRACES needs {error.name}: install warren[tracing]") from error

    async def close() -> None:
        await asyncio.to_thread(telemetry.close)

    stack.push_async_callback(close)
    tracer: Tracer = telemetry
    return tracer
