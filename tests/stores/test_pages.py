"""Cursors and prefixes, apart from stores."""

from hypothesis import given
from hypothesis import strategies as st

from stores.pages import Found, after_prefix, page_query

texts = st.text(max_size=6)


@given(texts, texts)
def test_exactly_the_texts_with_a_prefix_lie_between_it_and_what_follows(prefix: str, text: str) -> None:
    end = after_prefix(prefix)
    for candidate in (text, prefix + text, prefix[:-1] + text):
        assert (candidate >= prefix and (end is None or candidate < end)) == candidate.startswith(prefix)


def test_what_follows_a_prefix_is_never_half_a_surrogate_pair() -> None:
    assert after_prefix("\ud7ff") == "\ue000"
    assert after_prefix("a\U0010ffff") == "b"
    assert after_prefix("\U0010ffff") is None
    assert after_prefix("") is None


@given(texts.filter(lambda text: "\0" not in text), st.integers(0, 2**31 - 1), texts.filter(lambda t: "\0" not in t))
def test_a_cursor_leads_back_to_the_row_that_it_was_made_from(key: str, partition: int, order: str) -> None:
    first = page_query("orders", {"userId": "u"}, "", "status", False, 1, None)
    rows = [Found(partition, key, b"1", order), Found(0, "more", b"2", "")]
    page = first.page(rows)
    assert page.rows == [(partition, key, b"1")]
    following = page_query("orders", {"userId": "u"}, "", "status", False, 50, page.cursor)
    assert following.after == (order, key, partition)
