"""A way out that is closed is told by the process whose letters it takes."""

from pathlib import Path

import httpx

from api.endpoints import OPERATIONS
from tests.api.shop import until
from warren.serving import running
from warren.settings import SecretUrl, embedded_settings

HOST = "127.0.0.1"


async def test_a_mail_server_that_is_away_degrades_before_any_letter_is_sent(tmp_path: Path) -> None:
    smtp = SecretUrl(f"smtp://shop:secret@{HOST}:1")
    settings = embedded_settings(tmp_path).model_copy(update={"smtp": smtp})
    served = running(settings, services=["notifications"], address=(HOST, 0), routers=OPERATIONS)
    async with served as url, httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def told() -> str | None:
            degraded = (await client.get("/readyz")).json()["degraded"]
            return next((sentence for sentence in degraded if "mail server" in sentence), None)

        sentence = await until(told)
    assert sentence.startswith(f"agent notifications/post/0, email: the mail server {HOST}:1 does not do as it should")
    assert "secret" not in sentence
