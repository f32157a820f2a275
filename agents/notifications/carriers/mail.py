"""A letter as a mail (RFC 5322)."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import blake2b
from typing import Final

from agents.notifications.carriers.port import Letter, Receipt, Result

POLICY = SMTP.clone(cte_type="7bit")
"""Not every server takes 8 bits."""

BAD_ADDRESS: Final = Receipt(Result.REFUSED, "bad_address")
"""Of a letter that no mail can be made of."""


def mail_of(letter: Letter, sender: str) -> bytes:
    """Text and HTML; the Message-ID follows from the letter's. Raises ValueError for an address that cannot be."""
    if not (letter.address.isascii() and letter.address.isprintable()):
        raise ValueError("not an address of printable ASCII, which is all that every server takes")
    try:
        return _composed(letter, sender).as_bytes()
    except (AttributeError, IndexError, TypeError) as error:  # where Python's parser of addresses loses its way: "a@["
        raise ValueError("not an address that can be read") from error


def _composed(letter: Letter, sender: str) -> EmailMessage:
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender
    mail["To"] = letter.address
    mail["Subject"] = " ".join(letter.subject.split())
    mail["Date"] = format_datetime(letter.at)
    mail["Message-ID"] = f"<{named(letter)}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


def named(letter: Letter) -> str:
    """A short name that follows from the letter's id."""
    return blake2b(letter.id.encode(), digest_size=16).hexdigest()
