"""Publishing until the broker has confirmed, or patience ends."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from api.in_flight import InFlight
from api.problems import Problem
from api.sender import Sender
from streams import Publisher
from streams.broker import Message, Outcome
from streams.embedded import Embedded
from tests.api.shop import now
from topology.load import load_shop

TOPOLOGY = load_shop()


class ScriptedPublisher(Publisher):
    """Answers as it was told, one list for each call; then it is silent."""

    def __init__(self, *answers: list[Outcome]) -> None:
        broker = Embedded(TOPOLOGY).connect("gateway")
        super().__init__(broker, TOPOLOGY, service="gateway", now=now, ids=random.Random(3))
        self.answers = list(answers)
        self.calls: list[list[str]] = []

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        self.calls.append([message.message_id for message in messages])
        if not self.answers:
            await asyncio.Event().wait()
        return self.answers.pop(0)

    def messages(self, *ids: str) -> list[Message]:
        return [self.message("user.events", "user.created", b"{}", id=id) for id in ids]


LOST, CONFIRMED, REFUSED, UNROUTABLE = Outcome.LOST, Outcome.CONFIRMED, Outcome.REFUSED, Outcome.UNROUTABLE


async def test_only_what_got_lost_is_sent_again_in_its_order() -> None:
    publisher = ScriptedPublisher([CONFIRMED, LOST, REFUSED, LOST], [LOST, LOST], [CONFIRMED, UNROUTABLE])
    outcomes = await Sender(publisher, 5).send(publisher.messages("a", "b", "c", "d"))
    assert outcomes == [CONFIRMED, CONFIRMED, REFUSED, UNROUTABLE]
    assert publisher.calls == [["a", "b", "c", "d"], ["b", "d"], ["b", "d"]]


async def test_what_was_answered_before_patience_ended_keeps_its_answer() -> None:
    publisher = ScriptedPublisher([CONFIRMED, LOST])
    assert await Sender(publisher, 0.2).send(publisher.messages("a", "b")) == [CONFIRMED, LOST]


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (REFUSED, 503, "broker_refused"),
        (UNROUTABLE, 422, "unroutable"),
        (None, 503, "broker_unavailable"),
    ],
)
async def test_one_message_is_confirmed_or_a_problem(answer: Outcome | None, status: int, code: str) -> None:
    publisher = ScriptedPublisher(*([[answer]] if answer else []))
    with pytest.raises(Problem) as raised:
        await Sender(publisher, 0.05).send_one(publisher.messages("a")[0])
    assert (raised.value.status_code, raised.value.code) == (status, code)


class SlowPublisher(ScriptedPublisher):
    """Confirms everything, a little later, and notes ids that are in flight twice."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: list[str] = []
        self.twice: set[str] = set()

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        ids = [message.message_id for message in messages]
        self.calls.append(ids)
        self.twice |= {*self.in_flight} & {*ids}
        self.in_flight += ids
        for _ in range(5):
            await asyncio.sleep(0)
        for id in ids:
            self.in_flight.remove(id)
        return [CONFIRMED] * len(ids)


async def test_an_id_is_never_in_flight_twice() -> None:
    publisher = SlowPublisher()
    sender = Sender(publisher, 5)
    sends = [sender.send(publisher.messages("a", f"{n}")) for n in range(5)] + [sender.send(publisher.messages("z"))]
    assert await asyncio.gather(*sends) == [[CONFIRMED, CONFIRMED]] * 5 + [[CONFIRMED]]
    assert publisher.twice == set()
    assert publisher.calls[:2] == [["a", "0"], ["z"]]


async def test_a_claim_waits_for_every_id_and_holds_none_meanwhile() -> None:
    in_flight, order = InFlight(), list[str]()
    held = asyncio.Event()

    async def hold() -> None:
        async with in_flight.claim(["a"]):
            await held.wait()
            order.append("a")

    async def both() -> None:
        async with in_flight.claim(["b", "a", "a"]):
            order.append("b and a")

    async def other() -> None:
        async with in_flight.claim(["b"]):
            order.append("b")

    tasks = [asyncio.create_task(run()) for run in (hold, both, other)]
    await asyncio.wait([tasks[2]])
    held.set()
    await asyncio.gather(*tasks)
    assert order == ["b", "a", "b and a"]


async def test_a_claim_is_given_up_when_its_holder_fails() -> None:
    in_flight = InFlight()
    with pytest.raises(ZeroDivisionError):
        async with in_flight.claim(["a"]):
            raise ZeroDivisionError
    async with asyncio.timeout(1), in_flight.claim(["a"]):
        pass
