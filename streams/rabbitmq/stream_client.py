"""A connection to RabbitMQ's stream protocol: rstream's client, made to notice at once what breaks."""

import asyncio
from collections.abc import Generator
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol, TypeVar

from rstream import schema
from rstream.client import Client
from rstream.connection import ConnectionClosed

from streams.rabbitmq.addresses import Address
from streams.rabbitmq.faults import LIBRARY_ERRORS, translated
from streams.rabbitmq.stream_socket import CLOSE_SECONDS, StreamSocket

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
HEARTBEAT_SECONDS = 30
FRAME_MAX = 1 << 20


FrameT = TypeVar("FrameT", bound=schema.Frame)


class BytewiseText(str):
    """rstream writes a text's number of characters where the protocol wants its number of bytes."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.encode())


class Answer:
    """Waits for a frame. rstream's own way, `asyncio.wait_for`, may swallow a cancellation (before Python 3.12)."""

    def __init__(self, frame: asyncio.Future[Any], seconds: float) -> None:
        self._frame = frame
        self._seconds = seconds

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait().__await__()

    async def _wait(self) -> Any:
        async with asyncio.timeout(self._seconds):
            return await self._frame


class Listener(Protocol):
    """What is told about the subscriptions of a connection. Calls must not wait."""

    def arrived(self, chunk: schema.Deliver) -> None:
        """A chunk, with its checksum checked."""

    def moved(self) -> None:
        """The broker has ended the subscription: the log was deleted, or its member on this node has stopped."""

    def broke(self, error: BaseException) -> None:
        """The connection is gone."""


class StreamClient(Client):
    """One connection to one address. It never reconnects and never follows the hosts that brokers advertise.

    Behind a load balancer or in containers those are often not reachable from here; the address that was configured is.
    """

    def __init__(self, address: Address, name: str, listener: Listener) -> None:
        super().__init__(
            address.host,
            address.port,
            ssl_context=address.context,
            frame_max=FRAME_MAX,
            heartbeat=HEARTBEAT_SECONDS,
            connection_name=name.encode("ascii", "replace").decode(),
        )
        self._socket = StreamSocket(address.host, address.port, address.context)
        self._conn = self._socket
        self._subscriptions = listener
        self._heard = monotonic()
        self.fault: BaseException | None = None
        """What has broken the connection."""
        self.spare = False
        """Whether nobody minds if it breaks, because it is only kept for the next time."""

    @classmethod
    async def connect(cls, address: Address, name: str, listener: Listener) -> "StreamClient":
        """Raises BrokerUnavailable, AccessRefused."""
        client = cls(address, name, listener)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.start()
                await client.authenticate(BytewiseText(address.vhost), address.user, address.password)
        except BaseException as error:
            client._is_not_closed = False
            await client.close()
            if isinstance(error, (*LIBRARY_ERRORS, AssertionError, ValueError)):
                raise translated(error, f"connecting to {address} by the stream protocol") from error
            raise
        return client

    async def start(self) -> None:
        await self._socket.open()
        self.start_task("listener", self._listener())

    def wait_frame(self, frame_cls: type[FrameT], corr_id: int | None = None, timeout: int | None = None) -> Any:
        frame: asyncio.Future[schema.Frame] = asyncio.get_running_loop().create_future()
        key = frame_cls.key, corr_id
        self._waiters[key] = frame
        frame.add_done_callback(lambda _: self._waiters.pop(key, None))
        return Answer(frame, timeout or ANSWER_SECONDS)

    async def send_frame(self, frame: schema.Frame, version: int = 1) -> None:
        if self.fault is not None:
            raise ConnectionClosed("the connection is gone") from self.fault
        await self._socket.write_frame(frame, version)

    def grant(self, subscription: int, credit: int) -> None:
        """Let the broker send so many more chunks."""
        if self.fault is None:
            self._socket.grant(subscription, credit)

    async def close(self) -> None:
        """Say goodbye if there still is somebody, and close the socket. May be called twice."""
        try:
            if self.is_connection_alive():
                with suppress(*LIBRARY_ERRORS):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await self.sync_request(schema.Close(self._corr_id_seq.next(), 1, "OK"), schema.CloseResponse)
        finally:
            self._is_not_closed = False
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await self._socket.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listener(self) -> None:
        try:
            while True:
                self._take(await self._socket.read_frame())
        except (*LIBRARY_ERRORS, ValueError) as error:
            self.end(error)

    def _take(self, frame: schema.Frame) -> None:
        self._heard = monotonic()
        if isinstance(frame, schema.Deliver):
            self._subscriptions.arrived(frame)
        elif isinstance(frame, schema.MetadataUpdate):
            self._subscriptions.moved()
        elif isinstance(frame, schema.Close):
            self._socket.agree_to_close(frame.correlation_id)
            raise ConnectionClosed(f"the server closed the connection: {frame.reason}")
        else:
            waiter = self._waiters.get((frame.key, frame.corr_id))
            if waiter is not None and not waiter.done():
                waiter.set_result(frame)

    async def _heartbeat_sender(self) -> None:
        while self._heartbeat and self.is_connection_alive():
            self._socket.beat()
            await asyncio.sleep(self._heartbeat)
            if monotonic() - self._heard > 2 * self._heartbeat:
                self.end(TimeoutError("the server has gone silent"))

    def end(self, error: BaseException) -> None:
        """Take the connection as broken."""
        if not self.is_connection_alive():
            return
        self._is_not_closed, self.fault = False, error
        for waiter in list(self._waiters.values()):
            if not waiter.done():
                waiter.set_exception(error)
                waiter.exception()  # nobody may be waiting for it
        self._subscriptions.broke(error)
