import asyncio
from itertools import count

from streams.broker import Outcome
from streams.embedded.journal import Entry, Journal
from streams.embedded.queue import Queue
from streams.embedded.storage import QueueState, StorageFull
from streams.errors import BrokerUnavailable
from tests.streams.embedded.storages import PagedStorage
from tests.streams.embedded.virtual_time import in_virtual_time


class Bench:
    """A journal, a queue to write to, and a storage that can be made to fail."""

    def __init__(self) -> None:
        self.storage = PagedStorage(queue_window=10_000)
        self.queue = Queue(QueueState(0, "q"), self.storage, count(1), delivery_limit=None)
        self.journal = Journal(self.storage, lambda: 0)

    def publish(self) -> asyncio.Future[Outcome]:
        entry = Entry(optional=True)
        entry.send(b"x", [self.queue])
        return self.journal.write(entry)


@in_virtual_time
async def test_everything_that_waits_is_committed_together() -> None:
    bench = Bench()
    assert set(await asyncio.gather(*(bench.publish() for _ in range(100)))) == {Outcome.CONFIRMED}
    assert (bench.storage.commits, bench.queue.ready) == (1, 100)


@in_virtual_time
async def test_a_publish_is_refused_when_there_is_no_room_and_nothing_of_it_is_kept() -> None:
    bench = Bench()
    bench.storage.problem = StorageFull("full")
    assert await bench.publish() is Outcome.REFUSED
    assert bench.journal.full
    assert bench.queue.ready == 0
    bench.storage.problem = None
    assert await bench.publish() is Outcome.CONFIRMED
    assert (bench.journal.problem, bench.queue.ready) == (None, 1)
    await bench.journal.close()


@in_virtual_time
async def test_a_publish_is_lost_when_the_storage_fails_in_another_way() -> None:
    bench = Bench()
    bench.storage.problem = BrokerUnavailable("disk on fire")
    assert await bench.publish() is Outcome.LOST
    assert not bench.journal.full
    await bench.journal.close()


@in_virtual_time
async def test_what_must_be_written_is_tried_until_it_can() -> None:
    bench = Bench()
    await bench.publish()
    bench.storage.problem = StorageFull("full")
    removal = bench.journal.write(Entry(removed=[1]))
    assert await bench.publish() is Outcome.REFUSED
    await asyncio.sleep(10)
    assert not removal.done()
    bench.storage.problem = None
    assert await removal is Outcome.CONFIRMED
    assert bench.storage.messages == {}


@in_virtual_time
async def test_room_is_noticed_without_a_publish() -> None:
    bench = Bench()
    bench.storage.problem = StorageFull("full")
    await bench.publish()
    await asyncio.sleep(5)
    assert bench.journal.full
    bench.storage.problem = None
    await asyncio.sleep(2)
    assert bench.journal.problem is None


@in_virtual_time
async def test_closing_commits_what_waits_and_takes_no_more() -> None:
    bench = Bench()
    answer = bench.publish()
    await bench.journal.close()
    assert answer.result() is Outcome.CONFIRMED
    assert await bench.publish() is Outcome.LOST


@in_virtual_time
async def test_closing_gives_up_what_cannot_be_written() -> None:
    bench = Bench()
    bench.storage.problem = StorageFull("full")
    removal = bench.journal.write(Entry(removed=[1]))
    await bench.journal.close()
    assert removal.result() is Outcome.LOST


@in_virtual_time
async def test_a_writer_that_is_cancelled_leaves_nobody_waiting() -> None:
    bench = Bench()
    bench.storage.seconds = 1
    under_way = bench.publish()
    await asyncio.sleep(0.5)
    waiting = bench.publish()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    assert (await under_way, await waiting) == (Outcome.LOST, Outcome.LOST)


@in_virtual_time
async def test_what_comes_during_a_commit_goes_into_the_next_one() -> None:
    bench = Bench()
    bench.storage.seconds = 1
    first = bench.publish()
    await asyncio.sleep(0.5)
    later = [bench.publish() for _ in range(10)]
    await first
    assert bench.queue.ready == 1
    await asyncio.gather(*later)
    assert (bench.storage.commits, bench.queue.ready) == (2, 11)


@in_virtual_time
async def test_a_publisher_that_gives_up_does_not_disturb_the_others() -> None:
    bench = Bench()
    given_up, other = bench.publish(), bench.publish()
    given_up.cancel()
    assert await other is Outcome.CONFIRMED
    assert bench.queue.ready == 2
