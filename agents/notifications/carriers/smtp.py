"""Mail by SMTP. A server does not know a mail that it is given twice: what may have arrived is not sent again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from agents.notifications.carriers.mail import BAD_ADDRESS, mail_of
from agents.notifications.carriers.port import PATIENCE, Letter, Receipt, Result

CONNECTIONS: Final = 8
"""To the server at once."""
NOT_NOW: Final = range(400, 500)
NEVER: Final = range(500, 600)
"""SMTP replies that are a no. Before the mail is handed over, whatever else is no yes means that it was not sent."""
PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(slots=True)
class _Progress:
    """Whether a mail may have been handed over already."""

    handing_over: bool = False


class SmtpCarrier:
    """See Carrier. Keeps its connections, and makes new ones where the server has closed them."""

    repeatable = False

    def __init__(self, url: str, sender: str, *, patience: float = PATIENCE) -> None:
        """`url` is `smtp://`, `smtp+starttls://` or `smtps://`, with a user and password where the server wants them;
        `sender` is the address that mails come from."""
        self._url = urlsplit(url)
        self._port = self._url.port or PORTS[self._url.scheme]
        self._sender = sender
        self._patience = patience
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[aiosmtplib.SMTP] = []

    async def send(self, letter: Letter) -> Receipt:
        """As Carrier."""
        try:
            mail = mail_of(letter, self._sender)
        except ValueError:
            return BAD_ADDRESS
        progress = _Progress()
        try:
            async with asyncio.timeout(self._patience), self._line() as client:
                return await self._hand_over(client, letter.address, mail, progress)
        except (aiosmtplib.SMTPException, OSError) as error:  # a timeout is an OSError too
            doubt = Result.UNKNOWN if progress.handing_over else Result.NOT_SENT
            return Receipt(doubt, type(error).__name__, self._trouble(error))

    async def check(self) -> str:
        """As Carrier: connects, logs in, and begins a mail that it takes back."""
        try:
            async with asyncio.timeout(self._patience), self._line() as client:
                await client.mail(self._sender)
                await client.rset()
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._trouble(error)
        return ""

    def _trouble(self, error: Exception) -> str:
        server = f"the mail server {self._url.hostname}:{self._port}"
        if isinstance(error, aiosmtplib.SMTPSenderRefused):
            return f"{server} takes no mail from {self._sender} ({error.code}): see WARREN_MAIL_FROM, and WARREN_SMTP"
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return f"{server} refuses the user and password of WARREN_SMTP ({error.code}): mend them, and start again"
        return f"{server} does not do as it should ({type(error).__name__}): see how it does, and WARREN_SMTP"

    async def close(self) -> None:
        """As Carrier."""
        while self._idle:
            self._idle.pop().close()

    async def _hand_over(self, client: aiosmtplib.SMTP, address: str, mail: bytes, progress: _Progress) -> Receipt:
        try:
            await client.mail(self._sender)
            await client.rcpt(address)
            progress.handing_over = True
            await client.data(mail)
        except (aiosmtplib.SMTPHeloError, aiosmtplib.SMTPSenderRefused):
            raise  # this server takes nobody's mail from us
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            # The server's words may hold the address: its number says enough.
            return Receipt(_result(error.code, progress), f"smtp_{error.code}")
        except ValueError:
            client.close()
            return BAD_ADDRESS
        return Receipt(Result.SENT)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection for one mail. It is kept for the next one, unless something went wrong."""
        async with self._free:
            client = await self._connected()
            try:
                yield client
            except BaseException:
                client.close()
                raise
            if client.is_connected:
                self._idle.append(client)

    async def _connected(self) -> aiosmtplib.SMTP:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client
        url = self._url
        client = aiosmtplib.SMTP(
            hostname=url.hostname,
            port=self._port,
            username=unquote(url.username) if url.username else None,
            password=unquote(url.password) if url.password else None,
            local_hostname=self._sender.rpartition("@")[2],
            use_tls=url.scheme == "smtps",
            start_tls=url.scheme == "smtp+starttls",
            timeout=self._patience,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client


def _result(code: int, progress: _Progress) -> Result:
    """What a reply that is no yes says of the mail; one that cannot be read has the code -1."""
    if code in NEVER:
        return Result.REFUSED
    return Result.UNKNOWN if progress.handing_over and code not in NOT_NOW else Result.NOT_SENT
