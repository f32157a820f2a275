"""The errors of the harness."""


class ServerUnavailable(Exception):
    """A server that tests need cannot be had on this machine."""


class ServerFailed(Exception):
    """A server did not start, or did not stop."""
