"""HTTP clients of a trial, in their own process."""

import asyncio
import sys

import msgspec

from benchmarks.load import Load, Plan
from benchmarks.results import WrongResult


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as it stands on the wire; of the names of headers, `_` is `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


async def ask(plan: Plan) -> Load:
    """Send all that is planned. Raises WrongResult where an answer has another status than planned."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.load", stdin=pipe, stdout=pipe)
    told, _ = await process.communicate(msgspec.json.encode(plan))
    if process.returncode:
        raise WrongResult("the clients ended early")
    load = msgspec.json.decode(told, type=Load)
    if load.wrong:
        raise WrongResult(f"answers that should not be: {'; '.join(load.wrong)}")
    return load
