"""What tests of accounts have in common."""

from argon2 import PasswordHasher

from agents.auth.accounts import Accounts
from agents.auth.database import Database
from agents.auth.events import Profile
from agents.auth.models import Outgoing, User
from agents.auth.outbox import first
from agents.auth.passwords import Passwords
from agents.auth.users import NewUser

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""
MINUTE = 60_000
DAY = 86_400_000
EMAIL = "hazel@downs.example"
PASSWORD = "silflay at dusk"


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now

    def forward(self, ms: int) -> None:
        self.now += ms


class CountingPasswords(Passwords):
    """Real hashes, counted."""

    hashed = 0

    async def hash(self, password: str) -> str:
        self.hashed += 1
        return await super().hash(password)


def cheap_hasher() -> PasswordHasher:
    """argon2id that takes no time."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def fast_passwords() -> Passwords:
    return Passwords(cheap_hasher())


def hazel(email: str = EMAIL) -> NewUser:
    return NewUser(email, PASSWORD, Profile(first_name="Hazel"), ["customer"])


async def registered(accounts: Accounts, email: str = EMAIL) -> User:
    """A user who can log in."""
    return await accounts.register(hazel(email))


async def told(database: Database) -> list[Outgoing]:
    """What waits in the outbox."""
    async with database.transaction() as db:
        return list(await first(db, 1000))
