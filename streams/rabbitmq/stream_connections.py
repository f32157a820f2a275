"""All stream connections of a broker."""

from streams.errors import BrokerError, BrokerUnavailable
from streams.rabbitmq.addresses import Address
from streams.rabbitmq.faults import translated
from streams.rabbitmq.stream_client import Listener, StreamClient


class StreamConnections:
    """All connections to one address, and how making them went."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.fault: BrokerError | None = None
        """Why the last attempt to connect failed; None if it did not."""
        self._open: set[StreamClient] = set()

    @property
    def up(self) -> bool:
        return any(client.fault is None for client in self._open)

    async def connect(self, name: str, listener: Listener) -> StreamClient:
        """Raises BrokerUnavailable, AccessRefused."""
        try:
            client = await StreamClient.connect(self.address, name, listener)
        except BrokerError as error:
            self.fault = error
            raise
        self.fault = None
        self._open.add(client)
        return client

    async def leave(self, client: StreamClient) -> None:
        self._open.discard(client)
        await client.close()

    def problems(self) -> list[str]:
        """Why connections that are wanted do not work."""
        broken = [client.fault for client in self._open if client.fault is not None and not client.spare]
        faults = [translated(error, f"a connection to {self.address}") for error in broken]
        return [str(fault) for fault in ([self.fault] if self.fault else []) + faults]

    async def close(self) -> None:
        """End all connections; their readers raise BrokerUnavailable. May be called twice."""
        for client in list(self._open):
            client.end(BrokerUnavailable("the broker was closed"))
            await self.leave(client)
        self.fault = None
