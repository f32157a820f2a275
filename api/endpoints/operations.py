"""For those who run it: alive, ready, metrics."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from api.bodies import Body
from api.dependencies import GivenEdge
from api.openapi import problems
from api.readiness import Readiness, readiness

router = APIRouter(tags=["operations"])


class Alive(Body):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", responses=problems())
async def get_health() -> Alive:
    """Whether the process is alive."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Nothing can be served."}, **problems()})
async def get_readiness(edge: GivenEdge, response: Response) -> Readiness:
    """What works; 200 while anything can be served."""
    report, serves = await readiness(edge)
    response.status_code = 200 if serves else 503
    return report


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
async def get_metrics(request: Request) -> Response:
    """Requests, agents and the broker, in Prometheus' text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
