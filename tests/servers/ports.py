"""Ports that nobody uses."""

import random
import socket

# Below the range that systems take the ports of outgoing connections from (32768 and up on Linux, 49152 elsewhere): a
# server that is down for a restart would otherwise lose its port to a client, or a client that tries to reach it would
# connect to itself.
_RANGE = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Different TCP ports of 127.0.0.1 that nothing listens on now."""
    found: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        if _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} ports between {_RANGE.start} and {_RANGE.stop} are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether something accepts connections at this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
