"""A queue agent at work: each message settled by itself, at least once, its failures handled by the broker.

A handler's sends leave together when it is done, confirmed, and then its message is acknowledged: a crash anywhere
before the acknowledgement repeats the handler, under the same ids. What fails goes to the next rung of the queue's
retry ladder, and after the last to the dead letters. While a store or the broker is down, messages are held back.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from stores.errors import StoreError
from streams.addressing import Addressing
from streams.agent import Agent
from streams.body import BodyReturned
from streams.broker import Delivery, Envelope, Message
from streams.carriable import carried_time
from streams.codec import ANY_TYPE, Decode, explain
from streams.dispatch import Dispatch
from streams.errors import BrokerError, NotDecodable
from streams.event import ATTEMPT, Event
from streams.handling import Handling, InHand
from streams.journal import log
from streams.letters import dead_letter, own_headers
from streams.pausing import being_cancelled, pause
from streams.retry import Backoff
from streams.settling import Settling
from streams.status import Status
from streams.stream import Stream
from streams.surroundings import Surroundings
from streams.topic import current_sender

GRACE = 10.0
"""Seconds that handlers under way have to finish in when the worker stops."""

Arrival = tuple[Delivery, str, Settling]


class QueueAgent:
    """See the module's text."""

    def __init__(self, agent: Agent, around: Surroundings) -> None:
        self._agent = agent
        self._around = around
        self._queues = [around.topology.queues[name] for name in agent.topic.names]
        self._ladder = {queue.name: queue.retry for queue in self._queues}
        self._addressing = Addressing(
            agent.service,
            agent.name,
            around.topology,
            around.broker.capabilities.max_message_bytes,
            around.tracing(agent),
        )
        self._dispatch = Dispatch(around.broker, self._trouble, around.jitter)
        self._skip = around.skipped(agent)
        self._inbox: asyncio.Queue[Arrival] = asyncio.Queue()
        self._settlings: dict[str, Settling] = {}
        self._stop = asyncio.Event()
        self.status = Status(agent.service, agent.name, 0, ", ".join(agent.topic.names))

    # --- from beginning to end ---

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then handlers under way are finished and settled. Raises nothing."""
        self._stop = stop
        readers = [asyncio.create_task(self._read(queue.name, stop)) for queue in self._queues]
        handlers = {h: asyncio.create_task(self._handle(h, stop)) for h in self._new_handlings()}
        try:
            await stop.wait()
            await self._finish(handlers)
        finally:
            for task in (*handlers.values(), *readers):
                task.cancel()
            await asyncio.gather(*handlers.values(), *readers, return_exceptions=True)
            self.status.state = "stopped"

    async def _finish(self, handlers: Mapping[Handling, asyncio.Task[None]]) -> None:
        for handling, task in handlers.items():
            if not handling.hands:
                task.cancel()
        await asyncio.wait(handlers.values(), timeout=GRACE)
        for settling in self._settlings.values():
            await settling.flush()

    def _new_handlings(self) -> list[Handling]:
        return [Handling(self, self._addressing) for _ in range(self._agent.concurrency)]

    async def _read(self, queue: str, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                async with self._around.broker.consume(queue, self._agent.prefetch) as reader:
                    settling = self._settlings[queue] = Settling(reader)
                    self.status.running()
                    failures = 0
                    try:
                        async for deliveries in reader:
                            for delivery in deliveries:
                                self._inbox.put_nowait((delivery, queue, settling))
                    finally:
                        settling.closed = True
            except BrokerError as error:
                failures += 1
                self._pause(error)
            except (Exception, asyncio.CancelledError) as error:
                if being_cancelled():
                    raise
                failures += 1
                self._unexpected(error)
            await pause(stop, Backoff().delay(max(failures, 1), self._around.jitter.random()))

    async def _handle(self, handling: Handling, stop: asyncio.Event) -> None:
        current_sender.set(handling)
        failures = 0
        while not stop.is_set():
            settled = self.status.handled
            try:
                await self._agent.run(Stream(handling, self._addressing.tracing))
                await handling.finish()
                if self.status.handled == settled:
                    raise BodyReturned
            except (StoreError, BrokerError, BodyReturned) as error:
                handling.again = handling.put_down() + handling.again
                failures = 1 if self.status.handled > settled else failures + 1
                self._pause(error)
                await pause(stop, Backoff().delay(failures, self._around.jitter.random()))
                self.status.running()
            except (Exception, asyncio.CancelledError) as error:
                if (stop.is_set() and isinstance(error, asyncio.CancelledError)) or being_cancelled():
                    raise
                await self._fail(handling, error, stop)

    async def _fail(self, handling: Handling, error: BaseException, stop: asyncio.Event) -> None:
        """Hand on what failed. What cannot be handed on now is handled again, later."""
        hands = handling.put_down()
        trouble = await self._failed_all(hands, error) if hands else error
        if trouble is not None:
            handling.again = hands + handling.again
            self._unexpected(trouble)
            await pause(stop, Backoff().delay(1, self._around.jitter.random()))
            self.status.running()

    async def _failed_all(self, hands: list[InHand], error: BaseException) -> BaseException | None:
        """What came in the way; `hands` keeps those that are still to be handed on."""
        try:
            while hands:
                await self._failed(hands[0], error)
                hands.pop(0)
        except (Exception, asyncio.CancelledError) as trouble:
            if being_cancelled():
                raise
            return trouble
        return None

    def _unexpected(self, error: BaseException) -> None:
        self.status.paused(f"unexpected {type(error).__name__}: {error}")
        log.error("agent failed", agent=self._agent.name, exc_info=error)

    def _pause(self, error: Exception) -> None:
        self.status.paused(f"{type(error).__name__}: {error}")
        log.warning("agent paused", agent=self._agent.name, reason=str(error))

    # --- what handlers ask for ---

    async def next(self) -> InHand:
        """The next delivery that can be handled; others are settled on the way."""
        while True:
            if self._stop.is_set():
                raise asyncio.CancelledError  # the handler's task ends where it would have begun another message
            delivery, queue, settling = await self._inbox.get()
            if settling.closed:
                continue
            envelope = delivery.envelope
            if envelope.type in self._skip:
                settling.ack(envelope.offset)
                continue
            try:
                value = self._decoder(envelope)(envelope.body)
            except (msgspec.MsgspecError, NotDecodable, UnicodeDecodeError, RecursionError) as error:
                problem = error if isinstance(error, NotDecodable) else explain(error)
                try:
                    await self._bury(self._in_hand(delivery, queue, settling, None), problem)
                except BaseException:  # the time to fill a group may be up: the delivery is not done
                    self._inbox.put_nowait((delivery, queue, settling))
                    raise
                continue
            return self._in_hand(delivery, queue, settling, value)

    def _decoder(self, envelope: Envelope) -> Decode:
        decoders = self._agent.topic.decoders
        decoder = decoders.get(envelope.type) or decoders.get(ANY_TYPE)
        if decoder is None:
            raise NotDecodable(f"unknown type {envelope.type!r}: {self._agent.name} reads {', '.join(decoders)}")
        return decoder

    def _in_hand(self, delivery: Delivery, queue: str, settling: Settling, value: object) -> InHand:
        envelope, now = delivery.envelope, self._around.now()
        event = Event(
            value,
            envelope,
            source=queue,
            time_ms=envelope.time if envelope.time >= 0 else now,
            log_time_ms=now,
            reader=settling.reader,
        )
        return InHand(delivery, queue, settling, event)

    async def settle(self, hands: list[InHand], sends: list[Message]) -> None:
        """Publish confirmed, then acknowledge."""
        if sends:
            await self._dispatch.deliver(sends)
            self.status.sent += len(sends)
        for hand in hands:
            hand.settling.ack(hand.delivery.envelope.offset)
        self.status.handled += len(hands)

    def _trouble(self, reason: str) -> None:
        self.status.trouble("publishing", reason)

    # --- failures ---

    async def _failed(self, hand: InHand, error: BaseException) -> None:
        ladder = self._ladder[hand.queue]
        if hand.event.attempt > len(ladder) or self._too_large(hand):
            await self._bury(hand, error)
            return
        rung = ladder[hand.event.attempt - 1]
        log.info(
            "event failed",
            agent=self._agent.name,
            event_id=hand.event.id,
            attempt=hand.event.attempt,
            again_in=rung,
            error=f"{type(error).__name__}: {error}",
        )
        await self._hand_on(hand, self._retry(hand, rung))
        self.status.retried += 1

    def _retry(self, hand: InHand, rung: str) -> Message:
        """The same message for a delay queue, which sends it back to the queue its routing key names."""
        event, details = hand.event, hand.event.details
        return Message(
            exchange=f"retry.{rung}",
            routing_key=hand.queue,
            body=event.envelope.body,
            message_id=event.id,
            type=event.type,
            headers={**own_headers(details), ATTEMPT: hand.event.attempt + 1},
            correlation_id=details.correlation_id,
            timestamp=carried_time(details.timestamp),
            app_id=details.app_id,
        )

    async def _bury(self, hand: InHand, error: BaseException) -> None:
        log.warning("event is a dead letter", agent=self._agent.name, event_id=hand.event.id, error=str(error))
        if self._too_large(hand):
            await hand.settling.reject(hand.delivery.envelope.offset)
        else:
            await self._hand_on(hand, self._letter(hand, error))
        self.status.dead += 1

    def _letter(self, hand: InHand, error: BaseException) -> Message:
        return dead_letter(
            service=self._agent.service,
            agent=self._agent.name,
            source=hand.queue,
            offset=-1,
            event_id=hand.event.id,
            envelope=hand.event.envelope,
            details=hand.event.details,
            error=error,
            attempts=hand.event.attempt,
            largest=self._largest,
        )

    @property
    def _largest(self) -> int:
        return self._around.broker.capabilities.max_message_bytes

    def _too_large(self, hand: InHand) -> bool:
        """Whether nobody but the broker itself can hand it on."""
        return len(hand.event.envelope.body) > self._largest

    async def _hand_on(self, hand: InHand, message: Message) -> None:
        await self._dispatch.deliver([message])
        hand.settling.ack(hand.delivery.envelope.offset)
