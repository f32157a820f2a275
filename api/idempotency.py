"""Requests that count once: under one Idempotency-Key, the first answer is given again.

A key is free, or busy (409), or answered (the answer comes again), and stands for one request alone (422). Where the
gateway's store does not answer, requests go on without it: ids that derive from the key see to it that they count once.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Final

import structlog
from fastapi import Depends, Header, Request
from starlette.responses import Response
from structlog.typing import FilteringBoundLogger

from agents.gateway.tables import SHELVES, Answer, Kept, Shelf, shelves
from api.bodies import Body
from api.dependencies import GivenEdge
from api.edge import Edge
from api.media import JSON
from api.problems import Problem
from stores.errors import StoreError
from streams.documents import Documents
from streams.errors import Conflict

log: FilteringBoundLogger = structlog.get_logger("warren.api")

DAY: Final = 86_400_000
"""Milliseconds for which an answer is kept."""
LEASE: Final = 60_000
"""Milliseconds that a request takes at the longest; whoever was killed meanwhile holds its key no longer."""
PATIENCE: Final = 1.0
"""Seconds spent on the gateway's store, before and after a request."""
TRIES: Final = 20
REPLAYED: Final = "Idempotent-Replayed"
"""Header of an answer that was given before."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def checked_key(key: str) -> str:
    """The idempotency key. Raises Problem (400)."""
    if not _KEY.fullmatch(key):
        detail = "an idempotency-key has 1 to 255 printable ASCII characters, none of them a space"
        raise Problem(400, "idempotency_key_required", detail)
    return key


async def _key(
    idempotency_key: Annotated[
        str,
        Header(
            description="The same for a retry, a new one else: one key counts once.",
            # Told, and checked by `checked_key`: what does not fit is 400.
            json_schema_extra={"pattern": r"^[!-~]+$", "minLength": 1, "maxLength": 255},
        ),
    ],
) -> str:
    return checked_key(idempotency_key)


IdempotencyKey = Annotated[str, Depends(_key)]


@dataclass(frozen=True, slots=True)
class Made:
    """What an endpoint answers with."""

    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


class Once:
    """Answers requests to one address."""

    def __init__(self, edge: Edge, path: str) -> None:
        self._now = edge.now
        self._edge = edge
        self._path = path

    async def answer(self, who: str, key: str, asked: Body, make: Callable[[], Awaitable[Made]]) -> Response:
        """What `make` gives, or what it gave to this request before. `who` is whose keys these are.

        Raises Problem: 409 while the first is under way, 422 where the key was another request's.
        """
        id = _digest(self._path, who, key)
        fingerprint = _digest(asked.model_dump_json())
        kept = await self._patiently(self._begin(id, fingerprint))
        if kept is not None and kept.answer is not None:
            return _response(kept.answer, {REPLAYED: "true"})
        try:
            made = await make()
        except BaseException as error:
            refused = isinstance(error, Problem) and error.status_code < 500
            await self._patiently(self._end(id, None if refused else Kept(fingerprint, 0, self._now() + DAY)))
            raise
        answer = Answer(made.status, dict(made.headers), made.body.model_dump_json(by_alias=True))
        await self._patiently(self._end(id, Kept(fingerprint, 0, self._now() + DAY, answer)))
        return _response(answer, {})

    async def _begin(self, id: str, fingerprint: str) -> Kept:
        begun = Kept(fingerprint, self._now() + LEASE, self._now() + DAY)

        def judge(kept: Kept | None) -> Kept:
            if kept is None:
                return begun
            if kept.fingerprint != fingerprint:
                detail = "this Idempotency-Key belongs to another request: use a new key for a new one"
                raise Problem(422, "idempotency_key_reused", detail)
            if kept.answer is None and kept.busy_until > self._now():
                detail = "the request with this Idempotency-Key is under way: ask again in a second"
                raise Problem(409, "idempotency_key_in_flight", detail, headers={"Retry-After": "1"})
            return kept if kept.answer else begun

        return await self._change(id, judge) or begun

    async def _end(self, id: str, kept: Kept | None) -> Kept | None:
        return await self._change(id, lambda _: kept)

    async def _change(self, id: str, judge: Callable[[Kept | None], Kept | None]) -> Kept | None:
        """Put what `judge` makes of the request in its place, and give it."""
        documents: Documents[Shelf] = self._edge.collection("gateway", shelves)
        place = str(int(id[:8], 16) % SHELVES)
        for _ in range(TRIES):
            shelf, version = await documents.get(place)
            lying = shelf.requests if shelf else {}
            kept = judge(_current(lying, id, self._now()))
            if kept is not None and kept == lying.get(id):
                return kept
            try:
                await documents.put(place, Shelf(_cleared(lying, id, kept, self._now())), version)
            except Conflict:
                continue
            return kept
        raise StoreError(f"shelf {place} changes too often")

    async def _patiently(self, step: Awaitable[Kept | None]) -> Kept | None:
        """None where the store does not answer."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await step
        except (StoreError, TimeoutError) as error:
            log.warning("an Idempotency-Key is not kept", error=str(error) or "timeout")
        except Problem as problem:
            if problem.code != "not_served":
                raise
        return None


async def _once(request: Request, edge: GivenEdge) -> Once:
    return Once(edge, request.url.path)


GivenOnce = Annotated[Once, Depends(_once)]


def _current(lying: Mapping[str, Kept], id: str, now: int) -> Kept | None:
    kept = lying.get(id)
    return kept if kept and kept.until > now else None


def _cleared(lying: Mapping[str, Kept], id: str, kept: Kept | None, now: int) -> dict[str, Kept]:
    others = {other: one for other, one in lying.items() if other != id and one.until > now}
    return others if kept is None else {**others, id: kept}


def _response(answer: Answer, more: Mapping[str, str]) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, **more}, JSON)


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
