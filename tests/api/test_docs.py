"""The examples of docs/http.md, run as they stand."""

import re
import shlex
from pathlib import Path

import httpx

from tests.api.auth_scene import open_auth_shop

DOC = Path(__file__).parents[2] / "docs" / "http.md"


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", DOC.read_text().replace("\\\n", " "), re.DOTALL)
    return [
        shlex.split(command) for block in blocks for command in re.split(r"^(?=curl )", block, flags=re.MULTILINE)[1:]
    ]


async def run(client: httpx.AsyncClient, command: list[str]) -> httpx.Response:
    """Do what curl would."""
    headers: dict[str, str] = {}
    url, body, method = "", None, None
    words = iter(command[1:])
    for word in words:
        match word:
            case "-i":
                pass
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d" | "--data-binary":
                body = next(words)
            case _:
                url = word
    return await client.request(method or ("GET" if body is None else "POST"), url, headers=headers, content=body)


def with_variables(command: list[str], variables: dict[str, str]) -> list[str]:
    """What the shell would make of it."""
    return [re.sub(r"\$([A-Z]+)", lambda found: variables[found[1]], word) for word in command]


async def test_every_example_works_in_the_order_of_the_page() -> None:
    assert len(commands()) > 15
    variables: dict[str, str] = {}
    async with open_auth_shop(work=True) as opened:
        for command in commands():
            answer = await run(opened.client, with_variables(command, variables))
            assert answer.status_code in {200, 201, 202, 204}, f"{command}: {answer.text}"
            if "location" in answer.headers:
                await opened.shop.paid(answer.headers["location"])
            if answer.request.url.path == "/api/auth/login":
                tokens = answer.json()
                variables = {"TOKEN": tokens["accessToken"], "REFRESH": tokens["refreshToken"]}


def test_the_codes_of_problems_are_all_told() -> None:
    sources = "".join(path.read_text() for path in Path(DOC.parents[1], "api").rglob("*.py"))
    made = set(re.findall(r'(?:Problem\(\s*\d+,|unavailable\()\s*"([a-z_]+)"', sources))
    told = set(re.findall(r"`([a-z_]+)`", DOC.read_text()))
    assert len(made) > 15
    assert made <= told
