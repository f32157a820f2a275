"""The report of `make prove-shop`."""

from pathlib import Path

from tests.shop.parts import Part, judged
from tests.shop.proof import BEGIN, END, ENOUGH, NAMES, PAGE, Proof

ENOUGH_EACH = {name: Part(ENOUGH // 4, 3) for name in NAMES}


def test_it_proves_something_with_enough_orders_in_every_way_and_no_breach() -> None:
    assert Proof(ENOUGH_EACH, 60).holds
    assert not Proof({**ENOUGH_EACH, "life": Part(10)}, 60).holds
    assert not Proof({"life": Part(ENOUGH)}, 60).holds
    assert not Proof({**ENOUGH_EACH, "life": Part(ENOUGH, 0, ("invariant 4",))}, 60).holds


def test_work_that_does_not_come_to_its_end_is_a_breach() -> None:
    def restless(number: int) -> Part:
        raise AssertionError("the queue holds 3 messages")

    assert judged(restless, 7) == Part(breaches=("restless 7: AssertionError: the queue holds 3 messages",))


def test_the_report_takes_the_place_of_the_one_before_and_of_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    page.write_text(f"before\n{BEGIN}old\n{END}after\n<!-- end -->\nmore\n")
    for _ in range(2):
        Proof(ENOUGH_EACH, 600).write(page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{END}after\n<!-- end -->\nmore\n")
    assert "50,000 orders in 10 min" in text
    assert "old" not in text


def test_there_is_a_place_for_it_in_the_documentation() -> None:
    text = PAGE.read_text()
    assert text.index(BEGIN) < text.index(END)
