"""`warren accounts`: the first administrator, and the keys that tokens are signed with."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from random import SystemRandom
from typing import TypeVar

import click
from pydantic import ValidationError

from agents.auth.accounts import Accounts
from agents.auth.events import Profile
from agents.auth.roles import Role
from agents.auth.users import NewUser
from api.account_bodies import Registration
from warren.accounts import open_accounts
from warren.settings import load_settings
from warren.system import now

T = TypeVar("T")

_WRONG = {
    "email": "that is no e-mail address",
    "password": "the password has 10 to 200 characters: type a longer one, or put one into standard input",
}


@click.group()
def accounts() -> None:
    """Make the first administrator; renew the keys that tokens are signed with.

    \b
    Examples:
      warren accounts create-admin hazel@example.com
      warren accounts rotate-keys
    """


@accounts.command("create-admin")
@click.argument("email")
def create_admin(email: str) -> None:
    """Make an account with the role `admin`. The password is asked for, or read from standard input.

    \b
    Examples:
      warren accounts create-admin hazel@example.com
      pass show warren/admin | warren accounts create-admin hazel@example.com
    """
    new = _new_admin(email, _password())
    user = asyncio.run(_with_accounts(lambda accounts: accounts.register(new)))
    click.echo(f"{user.email} is an administrator: {user.id}")


@accounts.command("rotate-keys")
@click.option("--leaked", is_flag=True, help="Somebody else has the old keys: they count no more.")
def rotate_keys(leaked: bool) -> None:
    """Sign access tokens with a new key from now on. Nobody is logged out: the old key proves what it has signed, or
    with --leaked everybody's client refreshes its tokens.

    \b
    Examples:
      warren accounts rotate-keys
      warren accounts rotate-keys --leaked
    """
    key = asyncio.run(_with_accounts(lambda accounts: accounts.keys.rotate(leaked=leaked)))
    click.echo(f"access tokens are signed with {key} within half a minute")


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _new_admin(email: str, password: str) -> NewUser:
    try:
        checked = Registration.model_validate({"email": email, "password": password})
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors(include_input=False)}
        # Not `from error`: it carries the password.
        raise click.UsageError("; ".join(_WRONG[part] for part in sorted(wrong))) from None
    return NewUser(checked.email, checked.password.get_secret_value(), Profile(), [Role.CUSTOMER, Role.ADMIN])


async def _with_accounts(act: Callable[[Accounts], Awaitable[T]]) -> T:
    settings = load_settings()
    async with AsyncExitStack() as stack:
        opened = await open_accounts(settings, stack, now=now, chance=SystemRandom())
        return await act(opened.accounts)
