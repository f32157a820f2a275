"""A mail server that keeps what it is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


class Postbox:
    """The mails that came, in their order."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.url = ""

    def subjects(self, address: str) -> list[str]:
        """Of the mails to an address."""
        return [str(mail["Subject"]) for mail in self.mails if address in str(mail["To"])]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection (RFC 5321, without what nobody needs)."""
        writer.write(b"220 test\r\n")
        try:
            while line := await reader.readline():
                command = line.strip().upper()
                if command == b"DATA":
                    writer.write(b"354 go on\r\n")
                    self._keep(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 well\r\n")
                if command == b"QUIT":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the shop has gone
        finally:
            writer.close()

    def _keep(self, text: bytes) -> None:
        mail = message_from_bytes(text, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)


@asynccontextmanager
async def postbox() -> AsyncIterator[Postbox]:
    """A mail server on loopback, for as long as the context lasts."""
    kept = Postbox()
    server = await asyncio.start_server(kept.talk, "127.0.0.1", 0)
    kept.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield kept
    finally:
        server.close()
