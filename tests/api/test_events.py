"""Events of HTTP publishers."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from agents.analytics.events import ProductViewed
from api.cutting import MAX_EVENTS
from api.incoming import MAX_BYTES
from api.reception import GROUP, GROUP_BYTES, MAX_REJECTED
from streams import Record
from streams.embedded import Fate
from tests.api.shop import ACTIVITY, Shop, now, open_shop

LOG = "analytics.all.events"


async def send_lines(shop: Shop, lines: Iterable[bytes | str | dict[str, Any]], end: bytes = b"\n") -> httpx.Response:
    body = b"".join(_line(line) + end for line in lines)
    return await shop.client.post(ACTIVITY, content=body, headers={"Content-Type": "application/x-ndjson"})


def _line(line: bytes | str | dict[str, Any]) -> bytes:
    if isinstance(line, dict):
        return json.dumps(line).encode()
    return line if isinstance(line, bytes) else line.encode()


def event(n: int = 0, **changes: Any) -> dict[str, Any]:
    return {"data": {"sessionId": "s", "n": n}, **changes}


async def test_one_event_is_published_as_it_came(shop: Shop) -> None:
    text = '{"id": "view-1", "key": "s-1", "time": "2024-01-02T03:04:05.678+01:00", "data": {"a": 0.10, "b" :[1]}}'
    answer = await shop.client.post(ACTIVITY, content=text, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    (message,) = await shop.log(LOG)
    assert message["body"] == b'{"a": 0.10, "b" :[1]}'
    assert (message["id"], message["key"], message["time"]) == ("view-1", "s-1", 1_704_161_045_678)
    assert message["type"] == "user.activity.product_viewed"
    assert message["correlation"] == answer.headers["x-request-id"]


async def test_without_an_id_every_event_is_new_and_happens_now(shop: Shop) -> None:
    before = now()
    for _ in range(2):
        await shop.client.post(ACTIVITY, json=event())
    one, two = await shop.log(LOG)
    assert UUID(one["id"]) != UUID(two["id"])
    assert before <= one["time"] <= two["time"] <= now()


async def test_an_array_is_answered_item_by_item(shop: Shop) -> None:
    events = [event(0), {"dta": {}}, 3, event(1), {"data": [1]}, {"data": {}, "id": ""}]
    answer = await shop.client.post(ACTIVITY, json=events)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [item["index"] for item in answer.json()["rejected"]] == [1, 2, 4, 5]
    assert [json.loads(message["body"])["n"] for message in await shop.log(LOG)] == [0, 1]


async def test_lines_are_answered_item_by_item_blank_ones_not_counted(shop: Shop) -> None:
    lines: list[bytes | str | dict[str, Any]] = [
        event(0),
        "",
        "  ",
        "nonsense",
        event(1),
        b'{"data": {"a": "\xff"}}',
        event(2),
    ]
    answer = await send_lines(shop, lines, b"\r\n")
    assert answer.json()["accepted"] == 3
    assert [item["index"] for item in answer.json()["rejected"]] == [1, 3]


async def test_the_last_line_needs_no_end(shop: Shop) -> None:
    body = json.dumps(event(0)) + "\n" + json.dumps(event(1))
    answer = await shop.client.post(ACTIVITY, content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json() == {"accepted": 2, "rejected": []}


async def test_no_events_are_accepted_as_such(shop: Shop) -> None:
    assert (await shop.client.post(ACTIVITY, json=[])).json() == {"accepted": 0, "rejected": []}
    assert (await send_lines(shop, [])).json() == {"accepted": 0, "rejected": []}


async def test_one_id_is_one_event_however_often_a_request_has_it(shop: Shop) -> None:
    answer = await send_lines(shop, [event(0, id="x"), event(0, id="x"), event(1, id="y")])
    assert answer.json()["accepted"] == 3
    assert [message["id"] for message in await shop.log(LOG)] == ["x", "y"]


async def test_many_lines_keep_their_order(shop: Shop) -> None:
    answer = await send_lines(shop, (event(n) for n in range(3 * GROUP + 1)))
    assert answer.json()["accepted"] == 3 * GROUP + 1
    assert [json.loads(message["body"])["n"] for message in await shop.log(LOG)] == list(range(3 * GROUP + 1))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"data": {}, "id": "x" * 256}, "id has 1 to 255 bytes"),
        ({"data": {}, "id": "ü" * 128}, "id has 1 to 255 bytes"),
        ({"data": {}, "id": "a\x00b"}, "id holds a control character"),
        ({"data": {}, "key": "a\x00b"}, "key holds a control character"),
        ({"data": {}, "id": 7}, "Expected `str"),
        ({"data": {}, "time": "yesterday"}, "Invalid RFC3339"),
        ({"data": {}, "time": "2024-01-02T03:04:05"}, "timezone"),
        ({"data": {}, "time": "1969-12-31T23:59:59Z"}, "before 1970"),
        ({"data": {}, "time": "9999-01-01T00:00:00Z"}, "more than an hour ahead"),
        ({"data": {}, "time": 5}, "Expected `datetime"),
        ({"data": None}, "data is not a JSON object"),
        ({"data": "text"}, "data is not a JSON object"),
        ({}, "missing required field `data`"),
        ({"data": {}, "lane": "orders/orders/0@x"}, "unknown field `lane`"),
        ({"data": {}, "headers": {"seq": 1}}, "unknown field `headers`"),
        ({"data": {"a": "x\x00y"}}, "NUL"),
        ('{"data": {"a": "\\ud800"}}', "not an event"),
        ('{"data": {"a": NaN}}', "not an event"),
        ('{"data": {"a": 1e999}}', "data is not JSON"),
        ('{"data": {"a": ' + "9" * 5000 + "}}", "data is not JSON"),
        ('{"data": {"a": ' + "[" * 64 + "]" * 64 + "}}", "nested deeper than 64"),
        ('{"data": {"a": ' + "[" * 5000 + "]" * 5000 + "}}", "nested deeper than 64"),
        ('{"data": {"a": ' + "[" * 100_000, "nested deeper than 64"),
        (b'{"data": {"a": "\xff"}}', "data is not JSON"),
        (b'\xef\xbb\xbf{"data": {}}', "not an event"),
        (b"\x00", "not an event"),
    ],
)
async def test_an_event_that_cannot_be_is_refused_with_its_reason(
    shop: Shop, bad: bytes | str | dict[str, Any], reason: str
) -> None:
    (rejected,) = (await send_lines(shop, [bad])).json()["rejected"]
    assert reason in rejected["error"]
    alone = await shop.client.post(ACTIVITY, content=_line(bad), headers={"Content-Type": "application/json"})
    assert (alone.status_code, alone.json()["code"]) == (422, "event_refused")
    assert reason in alone.json()["detail"]
    assert shop.weather.seen == []


async def test_a_reason_quotes_no_more_than_a_little(shop: Shop) -> None:
    answer = await send_lines(shop, [{"data": {}, "x" * 100_000: 1}] * 3)
    assert [len(item["error"]) for item in answer.json()["rejected"]] == [301] * 3


async def test_what_looks_dangerous_and_is_not_is_taken(shop: Shop) -> None:
    deep = '{"data": {"a": ' + "[" * 63 + "]" * 63 + "}}"
    wide = json.dumps({"data": {"a": [[] for _ in range(1_000)], "text": "[" * 500}})
    answer = await send_lines(shop, [deep, wide, '{"data": {"a": "\\\\u0000"}}', '{"data": {"n": 1e30}}'])
    assert answer.json() == {"accepted": 4, "rejected": []}


async def test_headers_of_the_engine_cannot_come_from_http(shop: Shop) -> None:
    headers = {"lane": "orders/orders/0@x", "seq": "1", "floor": "1", "only": "orders"}
    await shop.client.post(ACTIVITY, json=event(key="k"), headers=headers)
    (message,) = await shop.log(LOG)
    assert set(message["headers"]) == {"key", "time", "schema"}


class Viewed(Record, event="user.activity.product_viewed", version=3):
    session_id: str
    product_id: UUID | None = None


async def test_a_known_record_is_checked_against_its_type() -> None:
    async with open_shop(records={"user.activity.product_viewed": (Viewed,)}) as shop:
        good, bad = {"sessionId": "s", "productId": str(uuid4()), "more": 1}, {"sessionId": 7}
        answer = await send_lines(shop, [{"data": good}, {"data": bad}])
        (message,) = await shop.log(LOG)
    assert answer.json()["accepted"] == 1
    assert "Expected `str`, got `int` - at `$.sessionId`" in answer.json()["rejected"][0]["error"]
    assert message["headers"]["schema"] == 3
    assert json.loads(message["body"]) == good


async def test_a_session_that_cannot_be_kept_is_not_taken() -> None:
    async with open_shop(records={"user.activity.product_viewed": (ProductViewed,)}) as shop:
        answers = [await shop.client.post(ACTIVITY, json={"data": {"sessionId": "x" * n}}) for n in (200, 201)]
    assert [answer.status_code for answer in answers] == [202, 422]


@pytest.mark.parametrize(
    ("path", "code", "hint"),
    [
        ("user.events/user.activity.product_view", "not_open_to_http", "product_viewed"),
        ("user.event/user.activity.product_viewed", "not_open_to_http", "user.events/"),
        ("order.events/order.paid", "not_open_to_http", "open are"),
        ("payment.events/payment.captured", "not_open_to_http", "open are"),
        ("nowhere/x", "not_open_to_http", "open are"),
        ("user.events/user.activity.*", "invalid_routing_key", "pattern"),
        ("user.events/user activity", "invalid_routing_key", "space"),
        ("user.events/" + "x" * 256, "invalid_routing_key", "too long"),
        ("user.events/%00", "not_open_to_http", "open are"),
    ],
)
async def test_only_keys_open_to_http_are_taken(shop: Shop, path: str, code: str, hint: str) -> None:
    answer = await shop.client.post(f"/api/events/{path}", json=event())
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert hint in answer.json()["detail"]
    assert shop.weather.seen == []


async def test_an_event_larger_than_its_limit_is_413_alone_and_an_item_among_others(shop: Shop) -> None:
    large = json.dumps({"data": {"a": "x" * MAX_BYTES}})
    alone = await shop.client.post(ACTIVITY, content=large, headers={"Content-Type": "application/json"})
    assert (alone.status_code, alone.json()["code"]) == (413, "event_too_large")
    lines = await send_lines(shop, [event(0), large, event(1)])
    assert lines.json() == {"accepted": 2, "rejected": [{"index": 1, "error": "larger than 1,048,576 bytes"}]}
    body = f"[{json.dumps(event(2))}, {large}]"
    array = await shop.client.post(ACTIVITY, content=body, headers={"Content-Type": "application/json"})
    assert array.json()["rejected"] == [{"index": 1, "error": "larger than 1,048,576 bytes"}]


async def test_json_larger_than_10_mib_is_413_announced_or_not(shop: Shop) -> None:
    body = b"[" + b" " * (11 << 20) + b"]"
    headers = {"Content-Type": "application/json"}

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    announced = await shop.client.post(ACTIVITY, content=body, headers=headers)
    chunked = await shop.client.post(ACTIVITY, content=chunks(), headers=headers)
    for answer in (announced, chunked):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_an_array_of_too_many_events_is_413_and_none_is_published(shop: Shop) -> None:
    body = b"[" + b",".join([b"1"] * (MAX_EVENTS + 1)) + b"]"
    answer = await shop.client.post(ACTIVITY, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_events")
    assert shop.weather.seen == []


@pytest.mark.parametrize("body", ["[1, 2", "[1,]", '[{"data": {}} x]', "[" * 100_000, b'[{"data": {"a": "\xff"}}]'])
async def test_an_array_that_is_not_json_is_400_and_none_is_published(shop: Shop, body: str | bytes) -> None:
    answer = await shop.client.post(ACTIVITY, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert shop.weather.seen == []


async def test_lines_have_no_limit_in_all_and_are_read_as_fast_as_they_are_published(shop: Shop) -> None:
    line = json.dumps({"data": {"a": "x" * 50_000}}).encode() + b"\n"
    ahead: list[int] = []

    async def lines() -> AsyncIterator[bytes]:
        for n in range(300):
            ahead.append(n - len(shop.weather.seen))
            yield line

    answer = await shop.client.post(ACTIVITY, content=lines(), headers={"Content-Type": "application/x-ndjson"})
    assert answer.json() == {"accepted": 300, "rejected": []}
    assert max(ahead) <= 1


async def test_reading_ends_where_too_many_lines_are_rejected(shop: Shop) -> None:
    answer = await send_lines(shop, [event(0), *["x"] * (MAX_REJECTED + GROUP * 2)])
    body = answer.json()
    assert (answer.status_code, body["code"], body["accepted"]) == (422, "too_many_rejected", 1)
    assert MAX_REJECTED < len(body["rejected"]) <= MAX_REJECTED + GROUP
    assert body["read"] == len(body["rejected"]) + 1


async def test_what_got_lost_on_the_way_is_sent_again_and_kept_in_order(shop: Shop) -> None:
    shop.weather.fates = [Fate.KEPT, Fate.LOST, Fate.UNCONFIRMED]
    answer = await send_lines(shop, [event(n, id=f"e-{n}") for n in range(5)])
    assert answer.json() == {"accepted": 5, "rejected": []}
    ids = [message["id"] for message in await shop.log(LOG)]
    assert list(dict.fromkeys(ids)) == [f"e-{n}" for n in range(5)]


async def test_when_the_broker_goes_away_the_answer_tells_how_far_it_came(impatient_shop: Shop) -> None:
    impatient_shop.weather.fates, impatient_shop.weather.always = [Fate.KEPT] * (GROUP + 2), Fate.LOST
    answer = await send_lines(impatient_shop, [event(n) for n in range(GROUP * 3)])
    body = answer.json()
    assert (answer.status_code, body["code"], answer.headers["retry-after"]) == (503, "broker_unavailable", "5")
    held = len(await impatient_shop.log(LOG))
    assert body["accepted"] == held == GROUP + 2
    assert [item["index"] for item in body["rejected"]] == list(range(held, body["read"]))


async def test_a_refusal_of_the_broker_is_503_and_names_the_events(shop: Shop) -> None:
    shop.weather.fates = [Fate.KEPT, Fate.REFUSED]
    answer = await send_lines(shop, [event(n) for n in range(3)])
    body = answer.json()
    assert (answer.status_code, body["code"], body["accepted"]) == (503, "broker_refused", 2)
    assert [item["index"] for item in body["rejected"]] == [1]


async def test_nothing_that_was_accepted_is_lost_while_the_broker_comes_and_goes(impatient_shop: Shop) -> None:
    accepted: set[str] = set()

    async def publish(n: int) -> None:
        answer = await impatient_shop.client.post(ACTIVITY, json=event(n, id=f"e-{n}"))
        assert answer.status_code in {202, 503}
        if answer.status_code == 202:
            accepted.add(f"e-{n}")

    for round_ in range(6):
        publishing = [asyncio.create_task(publish(n)) for n in range(round_ * 20, round_ * 20 + 20)]
        await asyncio.sleep(0)
        impatient_shop.embedded.go_down()
        await asyncio.wait(publishing, timeout=0.1 if round_ % 2 else 0.5)
        impatient_shop.embedded.come_back()
        await asyncio.gather(*publishing)
    assert accepted
    assert accepted <= {message["id"] for message in await impatient_shop.log(LOG)}


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/octet-stream", ""])
async def test_other_media_types_are_415(shop: Shop, media: str) -> None:
    answer = await shop.client.post(ACTIVITY, content=b'{"data": {}}', headers={"Content-Type": media})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(("size", "most"), [(10, 4 * GROUP), (50_000, 4 * GROUP_BYTES // 50_000)])
async def test_reading_waits_for_a_broker_that_takes_nothing(impatient_shop: Shop, size: int, most: int) -> None:
    """What is ahead of the broker is bounded by events and by bytes."""
    impatient_shop.weather.always = Fate.LOST
    answer = await send_lines(impatient_shop, [{"data": {"a": "x" * size}}] * 2 * most)
    assert answer.status_code == 503
    assert answer.json()["read"] == len(answer.json()["rejected"]) <= most
