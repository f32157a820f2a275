"""Passwords of service users: where they come from, and how they compare with what RabbitMQ stores."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable

from topology.errors import TopologyError

_ALGORITHMS = {f"rabbit_password_hashing_{name}": name for name in ("sha256", "sha512", "md5")}
_SALT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Password:
    """A password; never shown."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """What RabbitMQ keeps of a user: its tags, and a salt with the hash of salt and password, in base64."""

    hash: str = field(repr=False)
    algorithm: str
    tags: tuple[str, ...] = ()

    def accepts(self, password: Password) -> bool:
        """Whether this is the user's password; False where the hash is of a kind that is not known here."""
        name = _ALGORITHMS.get(self.algorithm)
        stored = base64.b64decode(self.hash)
        if name is None or not stored:
            return False
        salt, expected = stored[:_SALT_BYTES], stored[_SALT_BYTES:]
        return hmac.compare_digest(hashlib.new(name, salt + password.value.encode()).digest(), expected)


def variable(service: str) -> str:
    """The environment variable that holds the password of a service's user."""
    return f"WARREN_PASSWORD_{service.upper().replace('-', '_')}"


def from_environment(services: Iterable[str], environ: Mapping[str, str]) -> dict[str, Password]:
    """The passwords that an environment gives, by service."""
    return {name: Password(environ[variable(name)]) for name in services if environ.get(variable(name))}


def from_folder(services: Iterable[str], folder: Traversable) -> dict[str, Password]:
    """The passwords that a folder gives: a file per service, as Docker and Kubernetes mount secrets.

    A last line break does not belong to the password. Raises TopologyError where the folder is missing.
    """
    if not folder.is_dir():
        raise TopologyError(f"there is no folder {folder} with secrets: give one that holds a file per service")
    found = {name: folder / name for name in services if (folder / name).is_file()}
    return {name: Password(file.read_text(encoding="utf-8").rstrip("\r\n")) for name, file in found.items()}
