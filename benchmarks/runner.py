"""Running trials: each in a process of its own, subjects by turns, so that what the machine does strikes all alike."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from benchmarks.catalogue import Entry
from benchmarks.scene import PUBLISHED, QUEUE, Scene
from benchmarks.stage import Stage
from benchmarks.trial import Result

SLOWEST = 500
"""Events a second below which a trial is given up."""
GRACE = 60.0
"""Seconds a trial may take for everything else."""


class TrialFailed(Exception):
    """A trial ended without a result."""


class Runner:
    """Runs entries on a stage and keeps their results."""

    def __init__(self, stage: Stage, entries: Sequence[Entry], *, events: int, runs: int, budget: float) -> None:
        """`budget` in seconds: no new round begins that would probably go beyond it."""
        self._stage = stage
        self._entries = entries
        self._events = events
        self._runs = runs
        self._budget = budget
        self.results: dict[str, list[Result]] = {entry.name: [] for entry in entries}
        self.failures: dict[str, str] = {}
        self.complete = True
        """Whether there was time for all rounds."""

    async def run(self) -> None:
        """All rounds. A subject that fails is left out from then on."""
        began = time.monotonic()
        longest = 0.0
        for number in range(self._runs):
            start = time.monotonic()
            if start + longest > began + self._budget:
                self.complete = False
                return
            for entry in turns(self._entries, number):
                if entry.name not in self.failures:
                    await self._trial(entry, number)
            longest = max(longest, time.monotonic() - start)

    async def _trial(self, entry: Entry, number: int) -> None:
        count = entry.events(self._events)
        _say(f"round {number + 1} of {self._runs}: {entry.name}, {count:,} events … ", end="")
        try:
            async with self._stage.scene(entry.source, count) as scene:
                result = await in_process(entry, scene)
                await self._check(entry, scene)
        except TrialFailed as error:
            self.failures[entry.name] = str(error)
            _say(f"failed: {error}")
        else:
            self.results[entry.name].append(result)
            _say(f"{result.rate:,.0f}/s")

    async def _check(self, entry: Entry, scene: Scene) -> None:
        expected = {PUBLISHED: scene.count, QUEUE: 0}.get(entry.source)
        if expected is not None:
            found = await self._stage.held(entry.source)
            if found != expected:
                raise TrialFailed(f"{entry.source} holds {found:,} messages afterwards, not {expected:,}")


def turns(entries: Sequence[Entry], number: int) -> list[Entry]:
    """The subjects of a round (the first is 0) in their order: each round begins with another one."""
    first = number % len(entries)
    return [entry for entry in (*entries[first:], *entries[:first]) if not (entry.once and number)]


async def in_process(entry: Entry, scene: Scene, *, prefix: Sequence[str] = ()) -> Result:
    """One trial in a new process, started by the command `prefix` if there is one. Raises TrialFailed."""
    with tempfile.TemporaryDirectory(prefix="warren-bench-") as directory:
        result = Path(directory) / "result.json"
        command = [*prefix, sys.executable, "-m", "benchmarks.trial", entry.name, str(result)]
        await _finished(command, msgspec.json.encode(scene), GRACE + scene.count / SLOWEST)
        return msgspec.json.decode(result.read_bytes(), type=Result)


async def _finished(command: Sequence[str], given: bytes, seconds: float) -> None:
    pipe = asyncio.subprocess.PIPE
    # In a session of its own Ctrl-C does not reach it: it ends when we end it.
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT, start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate(given)
    except TimeoutError:
        raise TrialFailed(f"no result after {seconds:.0f} s") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode:
        raise TrialFailed(output.decode(errors="replace").strip()[-2_000:] or f"exit status {process.returncode}")


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)
