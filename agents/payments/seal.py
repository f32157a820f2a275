"""The seal of payment tokens: in messages and tables they are closed, and only payments opens them.

A sealed token is `sealed:` and, in base64url, the key's name (4 bytes), a nonce (12 bytes), and the token under
AES-256-GCM, bound to its order: put beside another order, it does not open.
"""

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from os import urandom
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SETTING: Final = "WARREN_SEAL_KEYS"
KEY_BYTES: Final = 32
_PREFIX: Final = "sealed:"
_NAME_BYTES: Final = 4
_NONCE_BYTES: Final = 12


class SealError(Exception):
    """A payment token cannot be sealed, or its seal not be opened. The message names the setting."""


class Seal:
    """Closes tokens with the first of its keys, and opens what any of them has closed.

    One that was given no keys makes one, which is good for as long as the process lives.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """`keys`: 32 bytes each. Raises SealError."""
        self._keys = _named(keys)

    @contextmanager
    def keyed(self, keys: Sequence[bytes]) -> Iterator[None]:
        """As long as the context lasts, these keys count. Raises SealError."""
        before, self._keys = self._keys, _named(keys)
        try:
            yield
        finally:
            self._keys = before

    def close(self, token: str, order_id: UUID) -> str:
        """The token, sealed."""
        name, cipher = next(iter(self._own().items()))
        nonce = urandom(_NONCE_BYTES)
        closed = name + nonce + cipher.encrypt(nonce, token.encode(), order_id.bytes)
        return _PREFIX + urlsafe_b64encode(closed).decode().rstrip("=")

    def open(self, text: str, order_id: UUID) -> str:
        """The token. One that is not sealed is given as it is: it was sent before there were seals.

        Raises SealError.
        """
        if not is_sealed(text):
            return text
        name, nonce, closed = _parts(text)
        cipher = self._own().get(name)
        if cipher is None:
            raise SealError(
                f"the payment token of order {order_id} was sealed with key {name.hex()}, which is not in {SETTING} "
                f"({', '.join(each.hex() for each in self._own())}): add the key that the HTTP edge seals with"
            )
        try:
            return cipher.decrypt(nonce, closed, order_id.bytes).decode()
        except InvalidTag as error:
            raise SealError(
                f"the payment token of order {order_id} does not open with key {name.hex()} of {SETTING}: it was "
                "changed, or belongs to another order"
            ) from error

    def _own(self) -> dict[bytes, AESGCM]:
        if not self._keys:
            self._keys = _named([new_key()])
        return self._keys


def is_sealed(text: str) -> bool:
    """Whether a token is sealed."""
    return text.startswith(_PREFIX)


def new_key() -> bytes:
    """A key that nobody else has."""
    return AESGCM.generate_key(8 * KEY_BYTES)


def read_key(text: str) -> bytes:
    """A key as settings have it: 32 bytes in base64. Raises SealError, which does not tell the key."""
    try:
        key = b64decode(text, altchars=b"-_" if set("-_") & set(text) else None, validate=True)
    except (NotBase64, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SealError(f"a key of {SETTING} is not {KEY_BYTES} bytes in base64: make one by `openssl rand -base64 32`")
    return key


def _named(keys: Sequence[bytes]) -> dict[bytes, AESGCM]:
    """Ciphers by the names of their keys, in order."""
    if any(len(key) != KEY_BYTES for key in keys):
        raise SealError(f"a key of {SETTING} does not have {KEY_BYTES} bytes: make one by `openssl rand -base64 32`")
    return {sha256(b"warren seal " + key).digest()[:_NAME_BYTES]: AESGCM(key) for key in keys}


def _parts(text: str) -> tuple[bytes, bytes, bytes]:
    """Key's name, nonce, and what is under the key."""
    body = text.removeprefix(_PREFIX)
    try:
        closed = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (NotBase64, ValueError) as error:
        raise SealError("a payment token says that it is sealed, and is not") from error
    ends = _NAME_BYTES, _NAME_BYTES + _NONCE_BYTES
    return closed[: ends[0]], closed[ends[0] : ends[1]], closed[ends[1] :]


seal: Final = Seal()
"""The shop's."""
