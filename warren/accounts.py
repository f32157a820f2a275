"""The accounts of a process, kept where the settings say that the service auth keeps its tables."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from agents.auth.accounts import Accounts
from agents.auth.chance import Chance
from agents.auth.database import Database, open_database
from agents.auth.passwords import Passwords
from agents.auth.schema import migrate
from warren.settings import Settings

AUTH: Final = "auth"
"""The service."""


@dataclass(frozen=True, slots=True)
class OpenAccounts:
    """Accounts, and the database that they are in."""

    accounts: Accounts
    database: Database


def database_of(settings: Settings) -> Database:
    """The database of accounts, not connected yet. Raises AccountsRefused where the service's store cannot keep any."""
    return open_database(settings.store_url(AUTH).get_secret_value(), AUTH)


async def open_accounts(
    settings: Settings, stack: AsyncExitStack, *, now: Callable[[], int], chance: Chance
) -> OpenAccounts:
    """Accounts for as long as the stack lasts; a database that only this machine has is given its tables at once.
    `now` gives ms since 1970 UTC."""
    database = database_of(settings)
    secrets = tuple(secret.get_secret_value() for secret in settings.service_secrets)
    accounts = Accounts(database, Passwords(), now=now, chance=chance, issuer=settings.issuer, service_secrets=secrets)
    stack.push_async_callback(accounts.close)
    if database.own:
        await migrate(database)
    return OpenAccounts(accounts, database)
