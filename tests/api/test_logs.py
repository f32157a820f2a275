"""Reading logs over HTTP."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.log_reading import as_event, text_of
from api.server import serve
from streams.broker import Envelope
from tests.api.shop import ACTIVITY, Shop

LOG = "/api/logs/analytics.all.events"


async def publish(shop: Shop, *numbers: int) -> None:
    for number in numbers:
        body = {"id": f"e{number}", "key": "k", "data": {"sessionId": f"s{number}"}}
        assert (await shop.client.post(ACTIVITY, json=body)).status_code == 202


async def lines(shop: Shop, query: str = "", **headers: str) -> list[dict[str, Any]]:
    answer = await shop.client.get(f"{LOG}?{query}", headers=headers)
    assert answer.headers["content-type"] == "application/x-ndjson", answer.text
    return [json.loads(line) for line in answer.text.splitlines() if line]


async def test_lines_end_where_the_log_ends(shop: Shop) -> None:
    await publish(shop, 1, 2, 3)
    found = await lines(shop)
    assert [event["data"]["sessionId"] for event in found] == ["s1", "s2", "s3"]
    first = found[0]
    assert (first["type"], first["key"], first["publisher"]) == ("user.activity.product_viewed", "k", "gateway")
    assert [event["offset"] for event in found] == sorted(event["offset"] for event in found)


async def test_an_offset_and_a_limit_choose_a_part(shop: Shop) -> None:
    await publish(shop, 1, 2, 3, 4)
    offsets = [event["offset"] for event in await lines(shop)]
    assert [event["offset"] for event in await lines(shop, f"offset={offsets[1]}&limit=2")] == offsets[1:3]
    read_on = await lines(shop, **{"Last-Event-ID": str(offsets[2])})
    assert [event["offset"] for event in read_on] == offsets[3:]


@pytest.mark.parametrize("query", ["", "offset=next", "offset=17"])
async def test_where_there_is_nothing_the_answer_is_empty(shop: Shop, query: str) -> None:
    assert await lines(shop, query) == []
    await publish(shop, 1)
    assert len(await lines(shop, query)) == (1 if query == "" else 0)


async def test_server_sent_events_go_on_with_what_comes_and_their_ids_are_offsets(shop: Shop) -> None:
    await publish(shop, 1)
    async with serve(create_app(shop.edge), "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}{LOG}"
        async with asyncio.timeout(10), client.stream("GET", url, headers={"Accept": "text/event-stream"}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            coming = answer.aiter_lines()
            first = [await anext(coming) for _ in range(4)]
            await publish(shop, 2)
            second = [await anext(coming) for _ in range(4)]
    assert first[0].startswith("id: ")
    assert first[1] == "event: user.activity.product_viewed"
    assert json.loads(first[2].removeprefix("data: "))["data"] == {"sessionId": "s1"}
    assert json.loads(second[2].removeprefix("data: "))["data"] == {"sessionId": "s2"}


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/api/logs/analytics.all.event", {}, 404, "log_not_found"),
        ("/api/logs/payments.commands", {}, 404, "log_not_found"),
        (f"{LOG}?offset=last", {}, 422, "invalid_request"),
        (f"{LOG}?limit=0", {}, 422, "invalid_request"),
        (LOG, {"Last-Event-ID": "x"}, 422, "invalid_query"),
    ],
)
async def test_what_cannot_be_read_is_told(
    shop: Shop, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await shop.client.get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_broker_that_is_away_is_503(shop: Shop) -> None:
    shop.embedded.go_down()
    answer = await shop.client.get(LOG)
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")


def envelope(body: bytes, type_: str = "t") -> Envelope:
    return Envelope(offset=7, type=type_, id="i", user="", body=body)


def test_secrets_are_hidden_and_every_event_is_one_line() -> None:
    text = text_of(envelope(b'{"paymentToken": "tok_1",\r\n "note": "a\\nb"}'), 1)
    assert b"\n" not in text
    assert json.loads(text)["data"] == {"paymentToken": "***", "note": "a\nb"}


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"{", b"[" * 5_000, b"1 2"])
def test_a_body_that_is_no_json_comes_as_it_is(body: bytes) -> None:
    told = json.loads(text_of(envelope(body), 1))
    assert "data" not in told
    assert "base64" in told


def test_a_type_cannot_forge_an_event() -> None:
    assert as_event(7, "x\ndata: forged", b"{}") == b"id: 7\ndata: {}\n\n"
