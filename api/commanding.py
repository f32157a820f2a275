"""Commands of requests on their way to the services."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.correlation import Correlation
from api.dependencies import GivenCorrelation, GivenEdge, GivenSender
from api.edge import Edge
from api.routing import require_taken
from api.sender import Sender
from streams import Record

COMMANDS = "commands"


class Commander:
    """Publishes the commands of one request."""

    def __init__(self, edge: Edge, sender: Sender, correlation: Correlation) -> None:
        self._edge = edge
        self._sender = sender
        self._correlation = correlation

    async def send(self, command: Record, key: UUID, id: str | None = None) -> None:
        """Returns once the broker has it. Commands of one `id` count once; without it, each does.

        Raises Problem (422, 503).
        """
        require_taken(self._edge.topology, COMMANDS, str(command.__event__))
        message = self._edge.publisher.record(
            COMMANDS,
            command,
            key=str(key),
            id=id,
            correlation_id=self._correlation.id,
            headers=self._correlation.headers,
        )
        await self._sender.send_one(message)


async def _commander(edge: GivenEdge, sender: GivenSender, correlation: GivenCorrelation) -> Commander:
    return Commander(edge, sender, correlation)


GivenCommander = Annotated[Commander, Depends(_commander)]
