"""Names of indexes, which every database has to take."""

from stores.names import index_name


def test_the_index_of_a_field_says_of_which() -> None:
    assert index_name("orders", "userId") == "orders:userId"


def test_long_names_stay_apart_within_63_bytes() -> None:
    names = {index_name("t" * 48, f"{'f' * 46}{n:02}") for n in range(100)}
    assert len(names) == 100
    assert all(len(name) <= 63 for name in names)
