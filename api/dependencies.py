"""What endpoints ask for by type. Coroutines all of them: others would run in a thread, and wait for it."""

from typing import Annotated

from fastapi import Depends, Query, Request

from api.correlation import Correlation, correlation_of
from api.edge import Edge
from api.sender import Sender

MOST = 1_000
"""Items of a page."""


async def edge_of(request: Request) -> Edge:
    """What the app was made with."""
    edge: Edge = request.app.state.edge
    return edge


async def sender_of(request: Request) -> Sender:
    """The app's way to the broker."""
    sender: Sender = request.app.state.sender
    return sender


async def _correlation(request: Request) -> Correlation:
    return correlation_of(request.scope)


GivenEdge = Annotated[Edge, Depends(edge_of)]
GivenSender = Annotated[Sender, Depends(sender_of)]
GivenCorrelation = Annotated[Correlation, Depends(_correlation)]

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of the page, at most.")]
Cursor = Annotated[str | None, Query(max_length=4_000, description="`nextCursor` of the page before.")]
