"""Mail by SMTP: a real server (aiosmtpd) on loopback, and servers that misbehave."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from agents.notifications.carriers.port import Letter, Receipt, Result
from agents.notifications.carriers.smtp import CONNECTIONS, SmtpCarrier

LETTER = Letter(
    id="1:order_paid:email:99",
    address="hazel@example.org",
    subject="Paid: 10 €\r\nBcc: everybody@example.org",
    text="It is paid: 10 €.\n.\nThat was a dot.\n",
    html="<p>It is paid: 10 €.</p>",
    short="paid",
    at=datetime(2026, 1, 1, tzinfo=UTC),
)
SENDER = "shop@example.com"

# aiosmtpd forgets a connection that its client has closed without QUIT, and leaves the socket to the collector: it is
# called at the end of each of these tests.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


class Postbox:
    """A handler that keeps mails, and answers as the test says."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.mail = "250 OK"
        self.rcpt = "250 OK"
        self.data = "250 OK"
        self.after: str | None = None
        """What is said when the mail is there, in place of `data`."""
        self.silent = False
        self.stop_after_mail = False

    async def handle_MAIL(  # noqa: N802  # as below
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mail.startswith("250"):
            envelope.mail_from = address
        return self.mail

    async def handle_RCPT(  # noqa: N802  # the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: "Server", session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        if self.data.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if self.silent:
            await asyncio.Event().wait()
        if self.stop_after_mail:
            server.abort()
        return self.after or self.data


class Server(SMTP):
    """Remembers its connection: aiosmtpd forgets one that the client has closed, and leaves it open."""

    def __init__(self, postbox: Postbox, **options: Any) -> None:
        super().__init__(postbox, hostname="test", **options)
        self.connection: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.connection = transport
        super().connection_made(transport)

    def abort(self) -> None:
        if self.connection is not None:
            self.connection.abort()


@asynccontextmanager
async def serving(postbox: Postbox, **options: Any) -> AsyncIterator[str]:
    sessions: list[Server] = []

    def session() -> Server:
        sessions.append(Server(postbox, **options))
        return sessions[-1]

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for each in sessions:
            each.abort()
        await asyncio.sleep(0)
        sessions.clear()
        gc.collect()


@asynccontextmanager
async def carrier(address: str, *, user: str = "", patience: float = 30.0) -> AsyncIterator[SmtpCarrier]:
    smtp = SmtpCarrier(f"smtp://{user}{address}", SENDER, patience=patience)
    try:
        yield smtp
    finally:
        await smtp.close()


async def test_a_mail_arrives_whole_with_text_html_and_a_subject_that_adds_no_header() -> None:
    postbox = Postbox()
    async with serving(postbox) as address, carrier(address) as smtp:
        assert await smtp.send(LETTER) == Receipt(Result.SENT)
    (mail,) = postbox.mails
    assert (mail["From"], mail["To"]) == (SENDER, "hazel@example.org")
    assert mail["Subject"] == "Paid: 10 € Bcc: everybody@example.org"
    assert mail["Bcc"] is None
    text, html = mail.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().strip() == LETTER.html
    assert mail["Date"].datetime == LETTER.at
    assert mail["Message-ID"].endswith("@example.com>")


async def test_mails_share_a_few_connections() -> None:
    postbox = Postbox()
    async with serving(postbox) as address, carrier(address) as smtp:
        letters = [replace(LETTER, id=str(number)) for number in range(100)]
        receipts = await asyncio.gather(*map(smtp.send, letters))
        assert {receipt.result for receipt in receipts} == {Result.SENT}
        assert len(smtp._idle) <= CONNECTIONS
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 100


async def test_the_same_letter_has_the_same_message_id() -> None:
    postbox = Postbox()
    async with serving(postbox) as address, carrier(address) as smtp:
        for _ in range(2):
            await smtp.send(LETTER)
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 1


async def test_a_server_that_is_not_there_has_sent_nothing() -> None:
    async with carrier("127.0.0.1:1") as smtp:
        assert (await smtp.send(LETTER)).result is Result.NOT_SENT


@pytest.mark.parametrize(
    ("reply", "receipt"),
    [
        ("550 No such user hazel@example.org", Receipt(Result.REFUSED, "smtp_550")),
        ("451 Try later", Receipt(Result.NOT_SENT, "smtp_451")),
    ],
)
async def test_a_recipient_that_is_refused(reply: str, receipt: Receipt) -> None:
    postbox = Postbox()
    postbox.rcpt = reply
    async with serving(postbox) as address, carrier(address) as smtp:
        assert await smtp.send(LETTER) == receipt


@pytest.mark.parametrize(
    ("reply", "receipt"),
    [
        ("554 Spam", Receipt(Result.REFUSED, "smtp_554")),
        ("452 Full", Receipt(Result.NOT_SENT, "smtp_452")),
    ],
)
async def test_a_mail_that_is_refused_and_the_next_one_that_is_not(reply: str, receipt: Receipt) -> None:
    postbox = Postbox()
    postbox.data = reply
    async with serving(postbox) as address, carrier(address) as smtp:
        assert await smtp.send(LETTER) == receipt
        postbox.data = "250 OK"
        assert (await smtp.send(LETTER)).result is Result.SENT


@pytest.mark.parametrize("reply", ["what?", "250 OK" + 99_999 * "!", "100 Wait", "999 No"])
async def test_a_reply_to_the_mail_that_is_neither_yes_nor_no_is_unknown(reply: str) -> None:
    postbox = Postbox()
    async with serving(postbox) as address, carrier(address) as smtp:
        postbox.after = reply
        assert (await smtp.send(LETTER)).result is Result.UNKNOWN
        postbox.after = None
        assert (await smtp.send(LETTER)).result is Result.SENT
    assert len(postbox.mails) == 2


async def test_a_sender_that_is_refused_loses_no_letter_and_is_told() -> None:
    postbox = Postbox()
    postbox.mail = "550 We do not know you"
    async with serving(postbox) as address, carrier(address) as smtp:
        receipt = await smtp.send(LETTER)
        assert (receipt.result, receipt.reason) == (Result.NOT_SENT, "SMTPSenderRefused")
        assert f"{address} takes no mail from {SENDER} (550): see WARREN_MAIL_FROM" in receipt.trouble
        assert await smtp.check() == receipt.trouble
        postbox.mail = "250 OK"
        assert await smtp.check() == ""
        assert await smtp.send(LETTER) == Receipt(Result.SENT)


async def test_silence_after_the_mail_is_unknown() -> None:
    postbox = Postbox()
    postbox.silent = True
    async with serving(postbox) as address, carrier(address, patience=0.5) as smtp:
        assert (await smtp.send(LETTER)).result is Result.UNKNOWN
    assert len(postbox.mails) == 1


async def test_a_connection_that_breaks_after_the_mail_is_unknown_and_the_next_mail_has_a_new_one() -> None:
    postbox = Postbox()
    postbox.stop_after_mail = True
    async with serving(postbox) as address, carrier(address) as smtp:
        assert (await smtp.send(LETTER)).result is Result.UNKNOWN
        postbox.stop_after_mail = False
        assert (await smtp.send(LETTER)).result is Result.SENT


async def test_a_server_that_says_nothing_has_sent_nothing() -> None:
    over = asyncio.Event()

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, carrier(address, patience=0.3) as smtp:
        assert (await smtp.send(LETTER)).result is Result.NOT_SENT


@pytest.mark.parametrize(
    "address",
    [
        *("hazel@example.org\r\nRCPT TO:<everybody@example.org>", "hazel\x00@example.org", "hazél@example.org"),
        *("h zel@a", "a@[", "({|a).@/a#!*", "a@" + 38 * "("),
    ],
)
async def test_an_address_that_cannot_be_is_refused(address: str) -> None:
    postbox = Postbox()
    async with serving(postbox) as place, carrier(place) as smtp:
        assert (await smtp.send(replace(LETTER, address=address))).result is Result.REFUSED
    assert postbox.mails == []


@asynccontextmanager
async def guarded() -> AsyncIterator[tuple[str, list[tuple[bytes, bytes]]]]:
    """A server that knows one password, and the users and passwords that it was shown."""
    seen: list[tuple[bytes, bytes]] = []

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        seen.append((data.login, data.password))
        # "Handled" means that the refusal has been sent: here aiosmtpd is to send it.
        return AuthResult(success=data.password == b"p:w", handled=False)

    async with serving(Postbox(), authenticator=check, auth_required=True, auth_require_tls=False) as place:
        yield place, seen


of_passwords = pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS", "ignore:Session.login_data is deprecated"
)


@of_passwords
async def test_a_user_and_password_of_the_url_are_used() -> None:
    async with guarded() as (place, seen), carrier(place, user="shop:p%3Aw@") as smtp:
        assert (await smtp.send(LETTER)).result is Result.SENT
        assert await smtp.check() == ""
    assert seen == [(b"shop", b"p:w")]


@of_passwords
async def test_a_wrong_password_is_told_with_what_to_do_and_never_shown() -> None:
    async with guarded() as (place, _), carrier(place, user="shop:wrong@") as smtp:
        receipt = await smtp.send(LETTER)
        assert (receipt.result, receipt.reason) == (Result.NOT_SENT, "SMTPAuthenticationError")
        assert await smtp.check() == receipt.trouble
    assert "refuses the user and password of WARREN_SMTP (535): mend them" in receipt.trouble
    assert place in receipt.trouble
    assert "wrong" not in receipt.trouble


async def test_a_server_that_is_not_there_is_a_trouble_and_a_recipient_that_is_refused_is_none() -> None:
    async with carrier("127.0.0.1:1") as smtp:
        trouble = await smtp.check()
        assert "127.0.0.1:1 does not do as it should (SMTPConnectError)" in trouble
        assert (await smtp.send(LETTER)).trouble == trouble
    postbox = Postbox()
    postbox.rcpt = "550 No such user"
    async with serving(postbox) as place, carrier(place) as smtp:
        assert (await smtp.send(LETTER)).trouble == ""
