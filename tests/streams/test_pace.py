from streams.pace import Pace


def test_as_many_as_a_batch_may_have_at_first() -> None:
    assert Pace(20_000, lease=10).most == 20_000


def test_what_was_not_taken_is_halved_until_one_is_left() -> None:
    pace = Pace(20_000, lease=10)
    pace.too_many(6_000)
    assert pace.most == 3_000
    for _ in range(20):
        pace.too_many(pace.most)
    assert pace.most == 1


def test_what_takes_longer_than_a_quarter_of_the_lease_is_too_much() -> None:
    pace = Pace(20_000, lease=10)
    pace.committed(20_000, 2.5)
    assert pace.most == 20_000
    pace.committed(20_000, 2.6)
    assert pace.most == 10_000


def test_a_store_that_is_slow_whatever_it_is_given_gets_a_hundred_all_the_same() -> None:
    pace = Pace(20_000, lease=10)
    for _ in range(20):
        pace.committed(pace.most, 2.6)
    assert pace.most == 100
    pace.too_many(100)
    pace.committed(50, 2.6)
    assert pace.most == 50, "so many together were too much"


def test_it_grows_again_with_what_is_taken_up_to_the_limit() -> None:
    pace = Pace(100, lease=10)
    pace.too_many(100)
    pace.committed(10, 0.01)
    assert pace.most == 50, "a small batch says nothing about a large one"
    pace.committed(50, 0.01)
    assert pace.most == 100


def test_a_commit_without_events_says_nothing() -> None:
    pace = Pace(100, lease=10)
    pace.too_many(0)
    pace.committed(0, 9)
    assert pace.most == 100
