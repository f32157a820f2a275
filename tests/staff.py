"""Somebody with every role, in a shop that asks who is calling."""

from collections.abc import Mapping
from typing import Final

import httpx
from click.testing import CliRunner

from agents.auth.roles import GIVEN
from warren.cli import main

EMAIL: Final = "threarah@downs.example"
PASSWORD: Final = "honeycomb and cowslip"


def warren(*arguments: str, env: Mapping[str, str], stdin: str = "") -> None:
    """A command that does its work and ends. Not within an event loop: it has one of its own."""
    done = CliRunner().invoke(main, arguments, env=env, input=stdin)
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"


def make_admin(env: Mapping[str, str]) -> None:
    """The first administrator, as people make it: by a command beside the database."""
    warren("accounts", "create-admin", EMAIL, env=env, stdin=PASSWORD)


async def staff(client: httpx.AsyncClient) -> dict[str, str]:
    """The header of the administrator, who takes on all other roles."""
    headers = await _login(client)
    me = (await client.get("/api/users/me", headers=headers)).json()
    roles = {"roles": sorted(GIVEN)}
    given = await client.put(f"/api/users/{me['id']}/roles", json=roles, headers=headers)
    assert given.status_code == 200, given.text
    return await _login(client)


async def _login(client: httpx.AsyncClient) -> dict[str, str]:
    answer = await client.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['accessToken']}"}
