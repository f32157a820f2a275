"""The AsyncAPI document: valid by the official schema, and true; and the contract between senders and readers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.registry import catalogue, load
from api.asyncapi import document
from api.declared import records_of
from streams import Record
from streams.codec import encode
from tests.api.shop import SHOP, Shop
from warren.cli import main

SCHEMA = Path(__file__).parent / "asyncapi" / "schema-3.0.0.json"
DOCUMENT = document(SHOP, catalogue(), "1")
READ = records_of(load())

for type_, strategy in {
    Decimal: st.decimals(0, 1_000_000, places=2, allow_nan=False),
    datetime: st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
    int: st.integers(1, 1_000),
    str: st.text(st.characters(codec="utf-8"), max_size=20),
}.items():
    st.register_type_strategy(type_, strategy)


def test_it_is_valid() -> None:
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(DOCUMENT)


def test_a_fault_would_be_found() -> None:
    broken = {**DOCUMENT, "operations": {"x": {"action": "shout"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(broken)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found, reference


def test_every_message_that_a_service_sends_has_a_record() -> None:
    without = [name for name, message in DOCUMENT["components"]["messages"].items() if not message["payload"]]
    assert without == []


def test_whoever_reads_is_told_what_it_is_sent() -> None:
    operations = DOCUMENT["operations"]
    assert "orders.send.order.events:order.created" in operations
    messages = operations["notifications.receive.notifications.order.created"]["messages"]
    assert messages == [{"$ref": "#/channels/notifications.order.created/messages/order.created"}]


async def test_it_is_served_and_printed(shop: Shop) -> None:
    served = (await shop.client.get("/asyncapi.json")).json()
    printed = CliRunner().invoke(main, ["topology", "asyncapi"])
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.stdout)["channels"] == served["channels"]


def test_every_event_that_is_read_is_declared_by_its_sender() -> None:
    assert set(READ) <= set(catalogue())


@pytest.mark.parametrize("event", sorted(catalogue()))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_event_that_is_sent_can_be_read_by_whoever_declares_it(event: str, data: st.DataObject) -> None:
    sent, *others = catalogue()[event]
    body = encode(data.draw(values(sent)))
    for reader in {*others, *READ.get(event, ())}:
        assert isinstance(msgspec.json.decode(body, type=reader), reader)


def values(record: type[Record]) -> st.SearchStrategy[Record]:
    """Any record of this type, and records within it."""
    hints = get_type_hints(record)
    return st.builds(record, **{field: of_type(hints[field]) for field in record.__struct_fields__})


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    for nested in nested_records(kind):
        st.register_type_strategy(nested, values(nested))
    return st.from_type(kind)


def nested_records(kind: Any) -> Iterator[type[Record]]:
    if isinstance(kind, type) and issubclass(kind, Record):
        yield kind
    for part in getattr(kind, "__args__", ()):
        yield from nested_records(part)
