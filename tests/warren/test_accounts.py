"""`warren accounts`, and accounts in a process: made by a command, told by the relay, noted by the welcome agent."""

import asyncio
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from tests.api.auth_scene import header
from tests.api.shop import until
from warren.cli import main
from warren.serving import running
from warren.settings import embedded_settings

EMAIL = "threarah@downs.example"
PASSWORD = "the black rabbit"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WARREN_DATA", str(tmp_path))
    return tmp_path


def warren(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["accounts", *arguments], input=stdin)


def test_the_first_administrator_is_made_by_command_and_told_of_once_the_shop_runs(data: Path) -> None:
    made = warren("create-admin", EMAIL, stdin=f"{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    assert made.output.startswith(f"{EMAIL} is an administrator: ")
    asyncio.run(administer(data))


async def administer(data: Path) -> None:
    """Log in, look at all users, and see that the welcome agent was told."""
    served = running(embedded_settings(data), address=("127.0.0.1", 0))
    async with served as url, httpx.AsyncClient(base_url=url) as shop:
        answer = await shop.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
        users = await shop.get("/api/users", headers=header(answer.json()["accessToken"]))
        (user,) = users.json()["items"]
        assert user["roles"] == ["customer", "admin"]

        async def welcomed() -> bool | None:
            return (await shop.get(f"/api/tables/welcomes/{user['id']}")).status_code == 200 or None

        await until(welcomed, within=30)


def test_an_account_is_made_once_and_a_weak_password_is_refused_without_being_shown() -> None:
    assert warren("create-admin", EMAIL, stdin=f"{PASSWORD}\n").exit_code == 0
    again = warren("create-admin", EMAIL, stdin=f"{PASSWORD}\n")
    assert (again.exit_code, "There is an account with this e-mail address already" in again.stderr) == (1, True)
    weak = warren("create-admin", "no address", stdin="hunter2\n")
    assert weak.exit_code == 2
    assert "that is no e-mail address; the password has 10 to 200 characters" in weak.stderr
    assert "hunter2" not in weak.output
    assert warren("create-admin", EMAIL).exit_code == 2


def test_keys_are_renewed_by_command() -> None:
    first, second = warren("rotate-keys"), warren("rotate-keys", "--leaked")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output != second.output


def test_the_plan_shows_the_tables_of_accounts_and_applying_makes_them() -> None:
    plan = CliRunner().invoke(main, ["stores", "plan", "auth"]).output
    assert "auth: create accounts (migration 0001)" in plan
    assert "CREATE TABLE users" in plan
    assert "accounts (migration 0001)" in CliRunner().invoke(main, ["stores", "apply", "auth"]).output
    assert CliRunner().invoke(main, ["stores", "plan", "auth"]).output == "nothing to do: the tables are there\n"
