"""The simulated provider as a web service of its own."""

from http import HTTPStatus
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agents.payments.provider.client import IDEMPOTENCY_KEY
from agents.payments.provider.port import Answer, Operation, Outcome, ProviderMisused
from agents.payments.provider.simulator import Fault, Simulator
from streams.codec import encode

STATUSES: Final = {
    Outcome.DONE: HTTPStatus.OK,
    Outcome.REFUSED: HTTPStatus.PAYMENT_REQUIRED,
    Outcome.ABSENT: HTTPStatus.NOT_FOUND,
}
LARGEST: Final = 10_000
"""Bytes of a request."""

_operation = msgspec.json.Decoder(Operation).decode


class Service:
    """`POST /operations` with an Idempotency-Key does something, `GET /operations/{key}` tells what became of it."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/operations", self.ask, methods=["POST"]),
                Route("/operations/{key}", self.look_up),
                Route("/healthz", _healthy),
            ]
        )

    async def ask(self, request: Request) -> Response:
        """200 done, 402 refused, 409 the key stands for something else, 400 and 422 not to be understood."""
        key = request.headers.get(IDEMPOTENCY_KEY)
        if not key:
            return PlainTextResponse(f"the header {IDEMPOTENCY_KEY} is missing", HTTPStatus.BAD_REQUEST)
        if int(request.headers.get("content-length", LARGEST + 1)) > LARGEST:
            return PlainTextResponse("the request is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            reply = self._simulator.take(key, _operation(await request.body()))
        except msgspec.MsgspecError as error:
            return PlainTextResponse(f"not an operation: {error}", HTTPStatus.UNPROCESSABLE_ENTITY)
        except ProviderMisused as error:
            return PlainTextResponse(str(error), HTTPStatus.CONFLICT)
        if reply.fault is Fault.OUT_OF_ORDER:
            return PlainTextResponse("out of order", HTTPStatus.SERVICE_UNAVAILABLE)
        if reply.fault in (Fault.HANG, Fault.LOST):
            await _until_given_up(request)
        return _told(reply.answer)

    async def look_up(self, request: Request) -> Response:
        """200 done, 402 refused, 404 never heard of."""
        return _told(self._simulator.known(request.path_params["key"]))


def _told(answer: Answer) -> Response:
    status = STATUSES.get(answer.outcome, HTTPStatus.GATEWAY_TIMEOUT)
    return Response(encode(answer), status, media_type="application/json")


async def _until_given_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok")
