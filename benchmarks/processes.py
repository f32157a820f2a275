"""CPU and memory of processes, as Linux tells them in /proc (proc(5))."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def name(pid: int) -> str:
    """The name of a process; "" where there is none that we can see."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def parent(pid: int) -> int:
    """The process that started this one; 0 where it cannot be seen."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def cpu_seconds(pid: int) -> float:
    """CPU of a process, and of its children, ended ones included."""
    own = _stat(pid)
    if not own:
        return 0.0
    ticks = sum(map(int, own[11:15]))
    return ticks / TICK + sum(cpu_seconds(child) for child in _children(pid))


def peak_memory() -> int:
    """The most bytes that this process has had resident.

    Not `ru_maxrss`: Linux begins that one with the size of the process that started us.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += map(int, thread.read_text().split())
        except OSError:
            continue
    return children


def _stat(pid: int) -> list[str]:
    """The fields from the third on: what stands before, the name in brackets, may hold spaces."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
