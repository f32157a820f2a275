"""Matching the broker's answers with what was published."""

from hypothesis import given
from hypothesis import strategies as st

from streams.broker import Message, Outcome
from streams.rabbitmq.confirms import Publication, Unanswered

CONFIRMED, UNROUTABLE, REFUSED, LOST = Outcome.CONFIRMED, Outcome.UNROUTABLE, Outcome.REFUSED, Outcome.LOST


def messages(count: int) -> list[Message]:
    return [
        Message(exchange="e", routing_key="k", body=b"1234567890", message_id=str(n), type="t") for n in range(count)
    ]


@st.composite
def answers(draw: st.DrawFn) -> tuple[int, list[tuple[int, Outcome, bool]], set[int]]:
    """How many messages, the broker's answers (tag, outcome, multiple), and the tags that it returned before."""
    count = draw(st.integers(1, 30))
    open_tags: list[int] = list(range(1, count + 1))
    found: list[tuple[int, Outcome, bool]] = []
    while open_tags and draw(st.integers(0, 9)) > 0:
        tag = draw(st.sampled_from(open_tags))
        outcome = draw(st.sampled_from([CONFIRMED, REFUSED]))
        multiple = draw(st.booleans())
        found.append((tag, outcome, multiple))
        open_tags = [each for each in open_tags if each != tag and not (multiple and each < tag)]
    tags: st.SearchStrategy[set[int]] = st.sets(st.integers(1, count))
    return count, found, draw(tags)


@given(answers(), st.integers(1, 5))
async def test_every_message_gets_the_answer_that_was_meant_for_it(
    given_: tuple[int, list[tuple[int, Outcome, bool]], set[int]], calls: int
) -> None:
    count, found, returned = given_
    unanswered = Unanswered()
    publications = [Publication(messages(count)[n::calls]) for n in range(calls)]
    for number in range(count):
        unanswered.add(publications[number % calls], number // calls)
    for tag in returned:
        unanswered.returned(str(tag - 1))
    model: dict[int, Outcome] = {}
    for tag, outcome, multiple in found:
        unanswered.answered(tag, outcome, multiple=multiple)
        for each in range(1 if multiple else tag, tag + 1):
            model.setdefault(each, UNROUTABLE if each in returned else outcome)
    assert len(unanswered) == count - len(model)
    assert unanswered.bytes == 10 * len(unanswered)
    unanswered.end(LOST)
    assert (len(unanswered), unanswered.bytes) == (0, 0)
    outcomes = [await publication.outcomes() for publication in publications]
    for number in range(count):
        default = UNROUTABLE if number + 1 in returned else LOST
        assert outcomes[number % calls][number // calls] is model.get(number + 1, default)


async def test_what_was_never_sent_is_lost() -> None:
    publication = Publication(messages(3))
    publication.sent = 1
    publication.settle(0, CONFIRMED)
    publication.lose_rest()
    assert await publication.outcomes() == [CONFIRMED, LOST, LOST]


async def test_nothing_to_publish_is_done_at_once() -> None:
    assert await Publication([]).outcomes() == []
