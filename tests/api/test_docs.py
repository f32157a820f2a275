"""The examples of docs/http.md, run as they stand."""

import re
import shlex
from pathlib import Path

import httpx

from tests.api.shop import Shop

DOC = Path(__file__).parents[2] / "docs" / "http.md"


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", DOC.read_text().replace("\\\n", " "), re.DOTALL)
    return [
        shlex.split(command) for block in blocks for command in re.split(r"^(?=curl )", block, flags=re.MULTILINE)[1:]
    ]


async def run(client: httpx.AsyncClient, command: list[str]) -> httpx.Response:
    """Do what curl would."""
    headers: dict[str, str] = {}
    url, body = "", None
    words = iter(command[1:])
    for word in words:
        match word:
            case "-i":
                pass
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d" | "--data-binary":
                body = next(words)
            case _:
                url = word
    return await client.request("GET" if body is None else "POST", url, headers=headers, content=body)


async def test_every_example_works_in_the_order_of_the_page(working_shop: Shop) -> None:
    assert len(commands()) > 15
    for command in commands():
        answer = await run(working_shop.client, command)
        assert answer.status_code in {200, 202}, f"{command}: {answer.text}"
        if "location" in answer.headers:
            await working_shop.paid(answer.headers["location"])


def test_the_codes_of_problems_are_all_told() -> None:
    sources = "".join(path.read_text() for path in Path(DOC.parents[1], "api").rglob("*.py"))
    made = set(re.findall(r'(?:Problem\(\s*\d+,|unavailable\()\s*"([a-z_]+)"', sources))
    told = set(re.findall(r"`([a-z_]+)`", DOC.read_text()))
    assert len(made) > 15
    assert made <= told
