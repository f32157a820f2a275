"""Somebody with every role, in a shop that asks who is calling."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import httpx

from agents.auth.roles import GIVEN

EMAIL: Final = "threarah@downs.example"
PASSWORD: Final = "honeycomb and cowslip"
CREATE: Final = (sys.executable, "-m", "warren", "accounts", "create-admin", EMAIL)


def make_admin(env: Mapping[str, str]) -> None:
    """The first administrator, as people make it: on a command line beside the database."""
    made = subprocess.run(CREATE, env=dict(env), input=PASSWORD, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


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
