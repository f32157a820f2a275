import re
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from topology.access import pattern_regex
from topology.matching import matches, overlaps

_patterns = st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=4).map(".".join)
_short_patterns = _patterns.filter(lambda pattern: pattern.count(".") < 3)
_keys = st.lists(st.sampled_from(["a", "b", "c", "", "a*", "a.b"]), min_size=1, max_size=5).map(".".join).filter(bool)

SHORT_KEYS = [".".join(words) for size in range(1, 6) for words in product("abc", repeat=size)]


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("order.created", "order.created", True),
        ("order.*", "order.created", True),
        ("order.*", "order", False),
        ("order.*", "order.created.twice", False),
        ("order.#", "order", True),
        ("order.#", "order.created.twice", True),
        ("#.created", "created", True),
        ("order.#.created", "order.created", True),
        ("*.#.*", "order", False),
        ("#", "anything.at.all", True),
        ("order.created", "order-created", False),
        ("*", "", False),
        ("#.#", "", True),
        ("", "", True),
        ("*.*", ".", True),
        ("#.", "", False),
        ("a..b", "a..b", True),
        ("*.#", "a..b", True),
    ],
)
def test_stars_are_one_word_and_hashes_any_number(pattern: str, key: str, expected: bool) -> None:
    assert matches(pattern, key) is expected


@given(_short_patterns, _short_patterns)
def test_patterns_overlap_where_a_key_matches_both(left: str, right: str) -> None:
    # Patterns of up to three words that overlap have a common key of at most four: "#.a.a" and "b.b.#" have b.b.a.a.
    assert overlaps(left, right) == any(matches(left, key) and matches(right, key) for key in SHORT_KEYS)


@given(_patterns, _keys)
@example("*", "")
@example("#.*", "")
def test_a_pattern_and_its_regular_expression_agree(pattern: str, key: str) -> None:
    assert bool(re.fullmatch(pattern_regex(pattern), key)) == matches(pattern, key)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("order.payment_failed", r"order\.payment_failed"),
        ("user.activity.*", r"user\.activity\.[^.]*"),
        ("order.#", r"order(\.[^.]*)*"),
        ("#", ".*"),
    ],
)
def test_regular_expressions_of_patterns_can_be_read(pattern: str, expected: str) -> None:
    assert pattern_regex(pattern) == expected
