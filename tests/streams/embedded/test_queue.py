import asyncio
from itertools import count
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from streams.embedded.queue import Queue
from streams.embedded.storage import QueuedMessage, QueueState, Transaction
from tests.streams.embedded.storages import PagedStorage

_actions = st.lists(
    st.tuples(st.sampled_from(["publish", "take", "give back", "settle"]), st.integers(1, 6)), max_size=60
)
Action = tuple[Literal["publish", "take", "give back", "settle"], int]


class Bench:
    """A queue, its storage, and what they ought to hold."""

    def __init__(self, window: int) -> None:
        self.storage = PagedStorage(queue_window=window)
        self.queue = Queue(QueueState(0, "q"), self.storage, count(1), delivery_limit=None)
        self.ready: list[int] = []
        self.taken: list[QueuedMessage] = []

    async def publish(self, number: int) -> None:
        transaction = Transaction()
        committed = self.queue.stage([b"x" * 10] * number, 0, transaction)
        await self.storage.commit(transaction)
        committed()
        self.ready += [message.id for _, message in transaction.messages]

    async def take(self, number: int) -> None:
        await self.queue.fill()
        taken = self.queue.take(number)
        assert bool(taken) == bool(self.ready)
        assert [message.id for message in taken] == self.ready[: len(taken)]
        del self.ready[: len(taken)]
        self.taken += taken

    async def give_back(self, number: int) -> None:
        returned, self.taken = self.taken[-number:], self.taken[:-number]
        self.queue.give_back(returned)
        self.ready = sorted(self.ready + [message.id for message in returned])

    async def settle(self, number: int) -> None:
        settled, self.taken = self.taken[:number], self.taken[number:]
        await self.storage.commit(Transaction(removed=[message.id for message in settled]))

    async def act(self, actions: list[Action]) -> None:
        for action, number in actions:
            await getattr(self, action.replace(" ", "_"))(number)
            assert self.queue.ready == len(self.ready)
        while self.ready:
            await self.take(5)


@given(_actions, st.sampled_from([1, 25, 100, 10_000]))
def test_messages_are_taken_in_order_wherever_they_are_held(actions: list[Action], window: int) -> None:
    asyncio.run(Bench(window).act(actions))


async def test_what_lies_beyond_the_window_is_not_held_in_memory() -> None:
    bench = Bench(window=50)
    await bench.publish(1_000)
    assert len(bench.queue.take(1_000)) == 5


async def test_only_what_is_due_is_taken() -> None:
    storage = PagedStorage(queue_window=1_000)
    queue = Queue(QueueState(0, "retry.1s"), storage, count(1), delivery_limit=None, delay=1_000)
    for now in (0, 500):
        queue.stage([b"x"], now, Transaction())()
    assert queue.take_due(999, 10) == []
    assert [message.due for message in queue.take_due(1_400, 10)] == [1_000]
    assert [message.due for message in queue.take_due(5_000, 10)] == [1_500]
