"""What every request passes: ids, limits, problems, headers, log lines."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.testing import capture_logs

from api.access_log import AccessLog
from api.http_metrics import HttpMetrics
from api.middleware.body_limits import BodyLimits
from api.middleware.envelope import Envelope
from api.middleware.failures import Failures
from api.problems import Problem
from tests.api.shop import Shop, open_shop, order

JSON = {"Content-Type": "application/json"}
KEYED = {**JSON, "Idempotency-Key": "k"}


async def test_a_request_id_is_echoed_and_stands_in_problems_and_log_lines(shop: Shop) -> None:
    with capture_logs() as lines:
        answer = await shop.client.get("/nowhere", headers={"X-Request-ID": "abc-1.2:3_4"})
    assert answer.headers["x-request-id"] == answer.json()["correlationId"] == "abc-1.2:3_4"
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["route"], line["status"]) == ("GET", "/nowhere", "unmatched", 404)
    assert line["log_level"] == "info"


@pytest.mark.parametrize("given", ["", " ", "a b", "a" * 65, "ü", "-a", "a\tb", "{}"])
async def test_a_request_id_that_is_none_is_replaced(shop: Shop, given: str) -> None:
    answer = await shop.client.get("/healthz", headers=[(b"X-Request-ID", given.encode())])
    assert UUID(answer.headers["x-request-id"]).version == 4


async def test_a_problem_has_every_member_of_the_standard_and_a_code(shop: Shop) -> None:
    answer = await shop.client.get("/api/orders/x")
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body.pop("errors")
    assert body == {
        "type": "urn:warren:problem:invalid_request",
        "title": "Invalid request",
        "status": 422,
        "detail": "the request does not fit: see `errors`",
        "code": "invalid_request",
        "correlationId": answer.headers["x-request-id"],
    }


async def test_other_methods_are_405_with_those_that_are_taken(shop: Shop) -> None:
    answer = await shop.client.delete("/api/products")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


def broken() -> Any:
    raise RuntimeError("the secret is 42")


async def test_an_unexpected_failure_is_500_without_a_word_of_it_and_logged_whole() -> None:
    async with open_shop(status=broken) as shop:
        with capture_logs() as lines:
            answer = await shop.client.get("/readyz", headers={"X-Request-ID": "req-9"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "42" not in answer.text
    assert answer.json()["correlationId"] == answer.headers["x-request-id"] == "req-9"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["request failed"]


def enveloped(app: ASGIApp) -> Envelope:
    return Envelope(app, AccessLog(HttpMetrics(CollectorRegistry())), random.Random(1))


async def test_an_answer_that_fails_when_it_has_begun_is_broken_off() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    connection = Connection()
    with capture_logs() as lines, pytest.raises(RuntimeError, match="half way"):
        await enveloped(Failures(fails))(connection.scope, connection.receive, connection.send)
    assert len(connection.sent) == 1
    assert lines[0]["event"] == "request failed"


async def test_answers_carry_security_headers(shop: Shop) -> None:
    for path in ("/api/products", "/nowhere"):
        headers = (await shop.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid_request"),
        (b"{", 400, "malformed_json"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b"NaN", 422, "invalid_request"),
        (b'{"userId": "\xff"}', 400, "bad_request"),
        (b"\x00", 400, "malformed_json"),
        (b"[" * 100_000, 400, "bad_request"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "bad_request"),
        (b'{"items": [{"quantity": ' + b"9" * 5_000 + b"}]}", 400, "bad_request"),
        (b'{"items": [{"quantity": 1e999}]}', 422, "invalid_request"),
        (b'{"items": [{"quantity": NaN}], "currency": Infinity}', 422, "invalid_request"),
        (b'{"currency": "\\ud800"}', 422, "invalid_request"),
    ],
)
async def test_hostile_json_is_a_problem(shop: Shop, body: bytes, status: int, code: str) -> None:
    answer = await shop.client.post("/api/orders", content=body, headers=KEYED)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.content) < 4_000


@pytest.mark.parametrize("media", ["text/plain", "application/x-ndjson", "multipart/form-data; boundary=x", "junk", ""])
async def test_orders_in_other_media_types_are_415(shop: Shop, media: str) -> None:
    headers = {"Content-Type": media, "Idempotency-Key": "k"}
    answer = await shop.client.post("/api/orders", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_json_with_a_charset_is_taken(shop: Shop) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8", "Idempotency-Key": "k"}
    answer = await shop.client.post("/api/orders", content=json.dumps(order()), headers=headers)
    assert answer.status_code == 202


async def test_a_body_larger_than_1_mib_is_413_announced_or_not(shop: Shop) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    announced = await shop.client.post("/api/orders", content=b" " * (2 << 20), headers=KEYED)
    chunked = await shop.client.post("/api/orders", content=chunks(), headers=KEYED)
    for answer in (announced, chunked):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_false_content_length_does_not_help(shop: Shop) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b" " * (2 << 20)

    for length in ("5", "-1", "x", "٣"):
        headers = [(b"Content-Type", b"application/json"), (b"Content-Length", length.encode())]
        answer = await shop.client.post("/api/orders", content=chunks(), headers=headers)
        assert answer.status_code == 413


class Connection:
    """What a server gives an application: chunks that come when they come, and a place for the answer."""

    def __init__(self, *chunks: bytes, more: bool = True, **headers: str) -> None:
        self.chunks = list(chunks)
        self.more = more
        self.sent: list[Message] = []
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "method": "POST", "path": "/api/orders", "headers": raw}

    async def receive(self) -> Message:
        if not self.chunks:
            await asyncio.Event().wait()
        body = self.chunks.pop(0)
        return {"type": "http.request", "body": body, "more_body": self.more or bool(self.chunks)}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def run(self, app: ASGIApp) -> None:
        limits = BodyLimits(app, idle=0.02, linger=0.02)
        await limits(self.scope, self.receive, self.send)


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})


CLOSED = [(b"connection", b"close")]


async def test_a_body_that_does_not_come_is_408() -> None:
    with pytest.raises(Problem) as raised:
        await Connection(b"{", content_length="100").run(reads)
    assert (raised.value.status_code, raised.value.code) == (408, "body_too_slow")


async def test_the_rest_of_a_body_is_dropped_before_an_early_answer() -> None:
    connection = Connection(b"a", b"b", b"c", more=False, transfer_encoding="chunked")
    await connection.run(answers)
    assert connection.chunks == []
    assert connection.sent[0]["headers"] == []


async def test_whoever_sends_on_after_an_early_answer_is_cut_off() -> None:
    connection = Connection(b"a", content_length="100")
    await connection.run(answers)
    assert connection.sent[0]["headers"] == CLOSED


async def test_whoever_asks_before_sending_need_not_send() -> None:
    connection = Connection(b"a", more=False, content_length="100", expect="100-continue")
    await connection.run(answers)
    assert connection.chunks == [b"a"]
    assert connection.sent[0]["headers"] == CLOSED


async def test_a_request_without_a_body_is_not_waited_for() -> None:
    connection = Connection(more=False)
    await connection.run(answers)
    assert connection.sent[0]["headers"] == []


async def test_urls_that_make_no_sense_are_problems(shop: Shop) -> None:
    for path in (
        "/api/orders/%00",
        "/api/orders/..%2f..%2fetc",
        "/api//orders",
        "/api/orders/",
        "/%ff%fe",
        "/api/products/%s%n",
    ):
        answer = await shop.client.get(path)
        assert answer.status_code in {404, 422}, path
        assert re.fullmatch("[a-z_]+", answer.json()["code"])


async def test_json_that_is_nested_too_deeply_is_400(shop: Shop) -> None:
    def nested(levels: int) -> str:
        return json.dumps(order())[:-1] + ', "more": ' + "[" * levels + "]" * levels + "}"

    flat = await shop.client.post("/api/orders", content=nested(31), headers=KEYED)
    deep = await shop.client.post("/api/orders", content=nested(32), headers=KEYED)
    assert flat.status_code == 202
    assert (deep.status_code, deep.json()["code"]) == (400, "nested_too_deeply")


async def test_a_body_that_trickles_is_408_in_the_end() -> None:
    async def trickle() -> Message:
        await asyncio.sleep(0.005)
        return {"type": "http.request", "body": b" ", "more_body": True}

    connection = Connection(content_length="100000")
    limits = BodyLimits(reads, idle=1, linger=0.02, within=0.05)
    with pytest.raises(Problem) as raised:
        await limits(connection.scope, trickle, connection.send)
    assert raised.value.code == "body_too_slow"
