"""The keys that payment tokens are sealed with: the settings', or one in a file where everything is in one process."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agents.payments.seal import KEY_BYTES, SETTING, SealError, new_key, read_key
from warren.errors import SettingsError
from warren.settings import Settings

KEY_FILE: Final = "seal.key"
"""The embedded shop's key, under WARREN_DATA."""


def seal_keys(settings: Settings) -> list[bytes]:
    """The first one seals, all of them open. Embedded, without any in the settings, a key is made once and kept.

    Raises SettingsError, which names the setting and no key.
    """
    try:
        if settings.seal_keys:
            return [read_key(key.get_secret_value()) for key in settings.seal_keys]
    except SealError as error:
        raise SettingsError(str(error)) from None
    if settings.embedded:
        return [_kept(settings.data / KEY_FILE)]
    raise SettingsError(
        f"{SETTING} is missing: payment tokens are sealed with it. Make a key by `openssl rand -base64 32`, and give "
        "the HTTP edge and payments the same"
    )


def _kept(path: Path) -> bytes:
    try:
        if not path.exists():
            _keep(path)
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be the file of the key that payment tokens are sealed with ({error.strerror}): set "
            f"{SETTING}, or WARREN_DATA to a directory that may be written to"
        ) from error
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{path} is not a key: put back the one that was there; {SETTING} would come before it")
    return key


def _keep(path: Path) -> None:
    """Make the file, whole or not at all: of several that do so at once the first one's counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as room:
        new = Path(room) / path.name
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(new_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(new)
        except FileExistsError:
            return
