"""Stopping cleanly on SIGINT and SIGTERM; a second signal ends the process at once."""

import asyncio
import signal


def stop_on_signals() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets. To be called on the running event loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        stop.set()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first)
    return stop
