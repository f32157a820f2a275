"""What goes over the bus, for those who publish to it or bind to it."""

from typing import Any

from fastapi import APIRouter

from agents.registry import catalogue
from api import asyncapi
from api.dependencies import GivenEdge
from api.openapi import problems

router = APIRouter(tags=["operations"])


@router.get("/asyncapi.json", responses=problems())
async def get_asyncapi(edge: GivenEdge) -> dict[str, Any]:
    """The AsyncAPI 3 document: exchanges, queues, logs, and the records that go through them."""
    return asyncapi.document(edge.topology, catalogue(), edge.version)
