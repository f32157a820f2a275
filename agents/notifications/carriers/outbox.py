"""Where nothing is to be sent: what would have been is kept, to be looked at."""

from collections import deque
from pathlib import Path
from typing import Final

from agents.notifications.carriers.mail import BAD_ADDRESS, mail_of, named
from agents.notifications.carriers.port import Letter, Receipt, Result

MOST: Final = 1_000
"""Letters that are kept; the oldest go first."""
SENDER: Final = "shop@localhost"


class MemoryOutbox:
    """Keeps letters in this process."""

    repeatable = True

    def __init__(self) -> None:
        self.letters: deque[Letter] = deque(maxlen=MOST)

    async def send(self, letter: Letter) -> Receipt:
        """As Carrier."""
        if all(letter.id != other.id for other in self.letters):
            self.letters.append(letter)
        return Receipt(Result.SENT)

    async def check(self) -> str:
        """As Carrier."""
        return ""

    async def close(self) -> None:
        """As Carrier."""


class FileOutbox:
    """Keeps letters as files that mail programs open, one for each; the same letter is the same file."""

    repeatable = True

    def __init__(self, directory: Path) -> None:
        """The directory is made when the first letter comes."""
        self._directory = directory
        self._names: deque[Path] | None = None

    async def send(self, letter: Letter) -> Receipt:
        """As Carrier."""
        try:
            content = mail_of(letter, SENDER)
        except ValueError:
            return BAD_ADDRESS
        try:
            self._keep(self._directory / f"{named(letter)}.eml", content)
        except OSError as error:
            return Receipt(Result.NOT_SENT, type(error).__name__)
        return Receipt(Result.SENT)

    async def check(self) -> str:
        """As Carrier."""
        return ""

    async def close(self) -> None:
        """As Carrier."""

    def _keep(self, file: Path, content: bytes) -> None:
        if self._names is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._names = deque(sorted(self._directory.glob("*.eml"), key=lambda path: path.stat().st_mtime))
        if not file.exists():
            self._names.append(file)
        file.write_bytes(content)
        while len(self._names) > MOST:
            self._names.popleft().unlink(missing_ok=True)
