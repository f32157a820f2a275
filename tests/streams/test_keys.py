from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.keys import encode_key, instant, window_key

parts = st.tuples(st.text(max_size=8), st.text(max_size=8))


@given(parts, parts)
def test_different_tuples_have_different_texts(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (encode_key(one) == encode_key(other)) == (one == other)


def test_keys_read_as_people_write_them() -> None:
    assert encode_key("EUR") == "EUR"
    assert encode_key(7) == "7"
    assert encode_key(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"
    assert encode_key(("a|b", 1)) == "a%7Cb|1"


@pytest.mark.parametrize("key", [1.5, None, True, b"x", ["a"]])
def test_what_is_no_key_is_refused(key: object) -> None:
    with pytest.raises(TypeError, match="a table key is"):
        encode_key(key)


def test_window_rows_sort_by_time() -> None:
    assert window_key("EUR", 1_483_228_800_000) == "EUR|2017-01-01T00:00:00Z"
    assert instant(1_500) == "1970-01-01T00:00:01.500Z"
