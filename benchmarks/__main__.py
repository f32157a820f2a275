"""`python -m benchmarks`: measure, and print what came out. Progress goes to standard error."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from benchmarks import options, report, servers
from benchmarks.machine import machine
from benchmarks.options import Options
from benchmarks.profile import profile
from benchmarks.runner import Runner, TrialFailed
from benchmarks.stage import Stage, stage
from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.supply import Supply


def main(arguments: Sequence[str]) -> int:
    """The exit status: 1 where something could not be measured or came out wrong, 130 after Ctrl-C."""
    asked = options.parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Supply() as supply:
            return asyncio.run(_run(asked, supply))
    except (ServerUnavailable, ServerFailed, TrialFailed) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


async def _run(asked: Options, supply: Supply) -> int:
    found = await servers.look(supply.rabbitmq, supply.postgres)
    async with stage(supply.rabbitmq, supply.postgres, found) as prepared:
        if asked.profile:
            await _profile(asked, prepared)
            return 0
        return await _measure(asked, prepared)


async def _profile(asked: Options, prepared: Stage) -> None:
    for entry in asked.entries:
        async with prepared.scene(entry.source, entry.events(asked.events)) as scene:
            print(await profile(entry, scene))


async def _measure(asked: Options, prepared: Stage) -> int:
    runner = Runner(prepared, asked.entries, events=asked.events, runs=asked.runs, budget=asked.budget)
    await runner.run()
    lines = [report.line(entry, runner.results[entry.name]) for entry in asked.entries if runner.results[entry.name]]
    found = report.Report(
        machine(), prepared.servers, lines, report.ratios(lines), runner.failures, complete=runner.complete
    )
    print(found.json() if asked.json else found.markdown())
    return 1 if runner.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
