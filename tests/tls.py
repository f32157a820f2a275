"""Servers that speak TLS, with certificates of an authority of our own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.server import Certificate

HOST: Final = "127.0.0.1"
SSL_REQUEST: Final = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""What a client of PostgreSQL says before TLS, to be answered with S."""


class Authority:
    """Signs certificates. `file` is its own, which clients are to trust."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("The Owsla")
        self.file = place / "authority.pem"
        self.file.write_bytes(_pem(self._signed(self._name, self._key.public_key(), authority=True)))

    def certificate(self, host: str = HOST) -> Certificate:
        """Of a server at this address."""
        key = ec.generate_private_key(ec.SECP256R1())
        chain, secret = self._place / f"{host}.pem", self._place / f"{host}.key"
        chain.write_bytes(_pem(self._signed(_name(host), key.public_key(), host=host)))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Certificate(chain, secret)

    def _signed(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, *, host: str = "", authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@asynccontextmanager
async def terminating(host: str, port: int, context: ssl.SSLContext, *, after: bytes = b"") -> AsyncIterator[int]:
    """A port where the server at `host` and `port` is reached by TLS. `after`: what a client says before, which is
    answered with S."""

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            if after:
                assert await client.readexactly(len(after)) == after
                to_client.write(b"S")
            await to_client.start_tls(context)
            server, to_server = await asyncio.open_connection(host, port)
            await asyncio.gather(_pass_on(client, to_server), _pass_on(server, to_client))

    listener = await asyncio.start_server(serve, HOST, 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
