"""`python -m benchmarks.trial NAME RESULT`: one run of one subject in this process.

The scene is read from standard input as JSON; the result is written to the file RESULT.
"""

import os
import sys
from pathlib import Path

import msgspec
import uvloop

from benchmarks import catalogue
from benchmarks.load import Load
from benchmarks.processes import cpu_seconds, peak_memory
from benchmarks.results import WrongResult
from benchmarks.scene import Scene
from benchmarks.subject import Server, Subject
from warren.garbage import fit_collector


class Result(msgspec.Struct, frozen=True):
    """What one trial took. CPU is in seconds, while the clock ran; None where it cannot be seen."""

    count: int
    seconds: float
    memory: int
    """The most bytes that the process had resident until the clock stopped."""
    cpu: float
    rabbitmq_cpu: float | None
    postgres_cpu: float | None
    load: Load | None = None
    """What HTTP clients found; their CPU is not in `cpu`."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.count / self.seconds


async def measure(subject: Subject, scene: Scene) -> Result:
    """One run; all subjects have the garbage collector fitted as Warren's own processes have. Raises WrongResult."""
    pids = os.getpid(), scene.rabbitmq_pid, scene.postgres_pid
    await subject.prepare()
    fit_collector()
    try:
        before = [cpu_seconds(pid) for pid in pids]
        seconds = await subject.run(scene.count)
        own, rabbitmq, postgres = (cpu_seconds(pid) - spent for pid, spent in zip(pids, before, strict=True))
        memory = peak_memory()
        await subject.check(scene.count)
    finally:
        await subject.close()
    load = subject.load if isinstance(subject, Server) else None
    return Result(
        count=scene.count,
        seconds=seconds,
        memory=memory,
        cpu=own - (load.cpu if load else 0.0),
        rabbitmq_cpu=rabbitmq if scene.rabbitmq_pid else None,
        postgres_cpu=postgres if scene.postgres_pid else None,
        load=load,
    )


async def _run(name: str, scene: Scene) -> Result:
    (entry,) = catalogue.find(name)
    return await measure(entry.make(scene), scene)


def main(name: str, result: Path) -> int:
    """The exit status: 1 for a wrong result."""
    scene = msgspec.json.decode(sys.stdin.buffer.read(), type=Scene)
    try:
        measured = uvloop.run(_run(name, scene))
    except WrongResult as error:
        print(f"wrong result: {error}", file=sys.stderr)
        return 1
    result.write_bytes(msgspec.json.encode(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
