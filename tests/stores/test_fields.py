"""The text of a field."""

import pytest

from stores.fields import ABSENT, LONGEST, field_text, field_texts, sort_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'{"f":"text"}', "=text"),
        (b'{"f":""}', "="),
        (b'{"f":"\\u00e9\\n"}', "=é\n"),
        (b'{"f": 1.50 }', "=1.50"),
        (b'{"f":true}', "=true"),
        (b'{"f":null}', ABSENT),
        (b'{"g":1}', ABSENT),
        (b'["f"]', ABSENT),
        (b"1", ABSENT),
        (b'{"f":"nul \\u0000"}', ABSENT),
        (b'{"f":"text","g":"nul \\u0000"}', ABSENT),
        (b'{"f":"half \\ud83d"}', ABSENT),
        (b'{"f":1,"f":"twice"}', "=twice"),
        (b'{"\\u0066":{"a": [1]}}', '={"a": [1]}'),
    ],
)
def test_a_field_has_the_text_by_which_databases_compare_it(value: bytes, text: str) -> None:
    assert field_text(value, "f") == text


def test_several_fields_are_read_at_once() -> None:
    value = b'{"class":"c","f":1,"g":null,"h":[]}'
    assert field_texts(value, ("f", "g", "class", "none")) == ["=1", ABSENT, "=c", ABSENT]
    assert field_texts(value, ()) == []


def test_a_long_text_is_cut() -> None:
    assert sort_text("x" * 1000) == "=" + "x" * LONGEST
    assert field_text(b'"' + b"x" * 10 + b'"', "f") == ABSENT


def test_an_empty_text_sorts_after_an_absent_one() -> None:
    assert ABSENT < sort_text("") < sort_text("\x01")
