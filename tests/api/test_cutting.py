"""Cutting bodies into events."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cutting import Lines, elements, is_array
from api.problems import Problem

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b""))), st.data())
def test_lines_are_the_same_however_the_stream_is_chunked(lines: list[bytes], data: st.DataObject) -> None:
    text = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    cutter = Lines(8)
    found: list[bytes | None] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found += cutter.feed(text[start:end])
    found += cutter.end()
    expected = [None if len(line) > 8 else line.strip() for line in lines]
    assert found == [line for line in expected if line != b""]


def test_a_line_that_is_too_long_is_not_kept_while_it_comes() -> None:
    cutter, chunk = Lines(1_000), b"x" * 100_000
    tracemalloc.start()
    for _ in range(100):
        assert cutter.feed(chunk) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(chunk)
    assert cutter.feed(b"\nshort\n") == [None, b"short"]


@given(st.lists(values, max_size=6), st.sampled_from([None, 0, 2]))
async def test_the_elements_of_an_array_are_its_own_texts(array: list[object], indent: int | None) -> None:
    try:
        body = json.dumps(array, indent=indent, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert is_array(body)
    assert [json.loads(text) for text in await elements(body)] == array


async def test_numbers_keep_their_digits() -> None:
    digits = "9" * 6_000
    assert await elements(f"[{digits}, 1.10 ]".encode()) == [digits.encode(), b"1.10"]


@pytest.mark.parametrize("body", [b"[", b"[1", b"[1,]", b"[1 2]", b"[1]x", b"[NaN]", b'["\xff"]', b'["\\ud800"]'])
async def test_what_is_no_json_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        await elements(body)
    assert (raised.value.status_code, raised.value.code) == (400, "malformed_json")
