"""The random part of a lane's name."""

import secrets


def random_birth() -> str:
    """16 hexadecimal digits, new at each call."""
    return secrets.token_hex(8)
