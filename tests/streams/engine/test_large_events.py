"""Events that are larger than what the broker takes: it did once, or somebody else could send them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from streams import App
from streams.broker import Capabilities, Message, Outcome
from tests.streams.engine.stage import Order, Stage, handled, on_stage, totals_are, until
from tests.streams.engine.test_partitions import part

LARGEST = 1_000


class Small:
    """The stage's broker, which takes little from its agents."""

    def __init__(self, stage: Stage) -> None:
        self._broker = stage.broker
        stage.broker = self  # the rest is the broker's

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    @property
    def capabilities(self) -> Capabilities:
        return replace(self._broker.capabilities, max_message_bytes=LARGEST)

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        taken = [message for message in messages if len(message.body) <= LARGEST]
        outcomes = iter(await self._broker.publish(taken))
        return [next(outcomes) if len(m.body) <= LARGEST else Outcome.REFUSED for m in messages]


def large(user: str) -> bytes:
    return b'{"user":"%s","amount":"many","more":"%s"}' % (user.encode(), b"x" * LARGEST)


async def only_letter(stage: Stage) -> tuple[bytes, dict[str, Any]]:
    async def there() -> bool:
        return len(await stage.dead()) > 0

    await until(there, within=60)
    ((envelope, headers),) = await stage.dead()
    return envelope.body, headers


def counting() -> App:
    app = App("counter")
    totals = app.Table("totals", default=int)

    @app.agent(app.topic("orders", value_type=Order), name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += order.amount

    return app


@on_stage
async def test_one_that_dies_is_told_of_without_its_body_and_the_next_ones_count(stage: Stage) -> None:
    Small(stage)
    worker = await stage.start(counting())
    await stage.send(Order("a"))
    await stage.raw(large("a"))
    await stage.send(Order("a"))
    await totals_are(stage, a=2)
    body, headers = await only_letter(stage)
    assert (body, headers["dead-offset"], headers["dead-left-out"]) == (b"", 1, len(large("a")))
    await worker.stop()


@on_stage
async def test_one_in_a_queue_goes_to_the_dead_letters_by_the_broker_itself_and_whole(stage: Stage) -> None:
    Small(stage)
    app, seen = App("counter"), Counter[str]()

    @app.agent(app.topic("jobs", value_type=Order), name="work")
    async def work(stream: Any) -> None:
        async for order in stream:
            seen[order.user] += 1

    worker = await stage.start(app)
    await stage.raw(large("a"))
    await stage.send(Order("b"))
    body, _ = await only_letter(stage)
    await handled(worker, 2)
    assert (body, seen, await stage.broker.depth("jobs")) == (large("a"), {"b": 1}, 0)
    await worker.stop()


@on_stage
async def test_one_that_fails_in_a_queue_is_not_tried_again_where_it_cannot_wait(stage: Stage) -> None:
    Small(stage)
    app, tries = App("counter"), []

    @app.agent(app.topic("jobs", value_type=Order), name="work")
    async def work(stream: Any) -> None:
        async for order in stream:
            tries.append(order.user)
            raise ValueError(order.user)

    worker = await stage.start(app)
    await stage.send(Order("x" * LARGEST))
    body, _ = await only_letter(stage)
    assert (len(tries), len(body) > LARGEST) == (1, True)
    await worker.stop()


@on_stage
async def test_one_that_cannot_be_forwarded_is_a_dead_letter_of_the_intake(stage: Stage) -> None:
    part(stage)
    Small(stage)
    worker = await stage.start(counting())
    await stage.send(Order("a"))
    await stage.raw(large("a"))
    await stage.send(Order("a"))
    body, headers = await only_letter(stage)
    assert (body, headers["dead-agent"], headers["dead-offset"]) == (b"", "forward:orders", 1)
    assert "1,000 at the most" in headers["dead-error"]
    await handled(worker, 3, "forward:orders")
    await worker.stop()
