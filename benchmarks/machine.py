"""What was measured on, and with what."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import msgspec

PACKAGES = ("aiormq", "aio-pika", "rstream", "asyncpg", "msgspec", "uvloop", "faststream", "faust-streaming")


class Machine(msgspec.Struct, frozen=True):
    """This machine and the packages installed."""

    cpu: str
    cpus: int
    memory: int
    """Bytes."""
    system: str
    python: str
    packages: dict[str, str]


def machine() -> Machine:
    return Machine(
        cpu=_cpu(),
        cpus=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
