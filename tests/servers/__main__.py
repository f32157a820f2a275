"""`python -m tests.servers COMMAND`: the servers of the tests, for other commands.

install          install what the servers need and this machine lacks
serve            start the servers, print where they are, keep them until Ctrl-C
run -- COMMAND   run a command with the servers' addresses in its environment
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.supply import Supply


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: the command's own, 1 where servers cannot be had, 2 for wrong usage."""
    _end_on_sigterm()
    try:
        match arguments:
            case ["install"]:
                Supply().install()
                return 0
            case ["serve"]:
                return _serve()
            case ["run", "--", *command] if command:
                return _run(command)
    except (ServerUnavailable, ServerFailed) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(__doc__, file=sys.stderr)
    return 2


def _end_on_sigterm() -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def _serve() -> int:
    with Supply() as supply:
        for name, value in supply.variables().items():
            print(f"export {name}={value}", flush=True)
        print("# the servers run until Ctrl-C", file=sys.stderr)
        threading.Event().wait()
    return 0


def _run(command: Sequence[str]) -> int:
    with Supply() as supply:
        child = subprocess.Popen(command, env={**os.environ, **supply.variables()})
        # A terminal sends Ctrl-C to the child as well, SIGTERM comes to us alone; either way the child ends first.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
        code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
