"""Messages of different requests on their way to the broker together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from api.patience import Patience
from streams.broker import Message, Outcome

Send = Callable[[Sequence[Message]], Awaitable[list[Outcome]]]
Waiting = dict[str, tuple[Message, "asyncio.Future[Outcome]"]]
"""Message id -> the message, and who waits for its outcome."""


AT_ONCE: Final = 2
"""Groups under way. To RabbitMQ, a message alone costs ten times what it costs in a group of ten."""


class Gathering:
    """Sends what is given in one turn of the event loop, or while AT_ONCE groups are under way, as one group: one
    write, and confirms that come counted. Whoever is patient no longer, and was not sent yet, is not sent at all. The
    same event again, before there is an outcome, is told that one: or a thousand of them would hold up all others."""

    def __init__(self, send: Send, patience: float) -> None:
        """`send` takes messages whose ids differ; `patience` in seconds, over waiting and sending."""
        self._send = send
        self._patience = Patience(patience)
        self._waiting: Waiting = {}
        self._under_way: dict[asyncio.Task[None], Waiting] = {}

    def __contains__(self, message: Message) -> bool:
        """Whether this event is on its way already."""
        return self._first(message) is not None

    async def send(self, message: Message) -> Outcome:
        """What has become of it. Raises TimeoutError, and what sending raises."""
        if (first := self._first(message)) is not None:
            await asyncio.wait([first])
            if not first.cancelled():
                return first.result()
        if message.message_id in self._waiting:
            return (await self._send([message]))[0]
        loop = asyncio.get_running_loop()
        if not self._waiting and len(self._under_way) < AT_ONCE:
            loop.call_soon(self._leave)
        outcome: asyncio.Future[Outcome] = loop.create_future()
        self._waiting[message.message_id] = message, outcome
        self._patience.watch(outcome)
        return await outcome

    def _first(self, message: Message) -> "asyncio.Future[Outcome] | None":
        """Who waits for the outcome of the same event; one id at two places is two events."""
        for group in (self._waiting, *self._under_way.values()):
            found = group.get(message.message_id)
            # Its group is under way a moment longer than its outcome: what comes then is sent anew.
            if (
                found
                and not found[1].done()
                and (found[0].exchange, found[0].routing_key) == (message.exchange, message.routing_key)
            ):
                return found[1]
        return None

    def _leave(self) -> None:
        if len(self._under_way) >= AT_ONCE:
            return
        group = {id: (message, waiting) for id, (message, waiting) in self._waiting.items() if not waiting.done()}
        self._waiting = {}
        if group:
            task = asyncio.create_task(self._settle(group))
            self._under_way[task] = group
            task.add_done_callback(self._returned)

    def _returned(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._leave()

    async def _settle(self, group: Waiting) -> None:
        try:
            outcomes = await self._send([message for message, _ in group.values()])
        except BaseException as error:
            for _, waiting in group.values():
                if not waiting.done():  # whoever waited may have gone
                    waiting.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, waiting), outcome in zip(group.values(), outcomes, strict=True):
            if not waiting.done():
                waiting.set_result(outcome)
