"""The OpenAPI document: valid, and complete."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.shop import Shop


@pytest.fixture
async def document(shop: Shop) -> dict[str, Any]:
    document: dict[str, Any] = (await shop.client.get("/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_operation_says_what_it_does_and_what_it_answers(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert operation["description"], name
        answers = operation["responses"]
        assert {"200", "201", "202", "204"} & answers.keys(), name
        assert "500" in answers, name
        assert all(answer["description"] for answer in answers.values()), name


async def test_a_query_parameter_that_nobody_knows_is_a_documented_answer(shop: Shop, document: dict[str, Any]) -> None:
    assert [name for name, operation in operations(document).items() if "422" not in operation["responses"]] == []
    assert (await shop.client.get("/healthz?unheard=of")).status_code == 422


def test_whoever_asks_who_is_calling_may_be_unable_to_tell(document: dict[str, Any]) -> None:
    asking = {name: operation for name, operation in operations(document).items() if operation.get("security")}
    assert [name for name, operation in asking.items() if "503" not in operation["responses"]] == []


def test_failures_are_problems(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and (name, status) != ("GET /readyz", "503"):
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (name, status)


def test_an_order_documents_every_status_that_it_may_get(document: dict[str, Any]) -> None:
    answers = operations(document)["POST /api/orders"]["responses"]
    assert set(answers) == {
        *("201", "202", "400", "401", "403", "408", "409", "413", "415", "422", "429", "500", "503")
    }
    assert "Location" in answers["202"]["headers"]
    assert "Retry-After" in answers["503"]["headers"]


def test_an_order_needs_an_idempotency_key(document: dict[str, Any]) -> None:
    headers = {header["name"]: header for header in operations(document)["POST /api/orders"]["parameters"]}
    assert (headers["idempotency-key"]["in"], headers["idempotency-key"]["required"]) == ("header", True)
    assert headers["prefer"]["required"] is False


def test_money_is_text(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["OrderBody"]["properties"]["total"]["type"] == "string"
    assert schemas["ProductBody"]["properties"]["price"]["type"] == "string"


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)
    assert "place_order" in names
