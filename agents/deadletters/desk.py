"""The desk at which people look at dead letters, replay them and discard them. Looking changes nothing."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from agents.deadletters.tables import Action, Did, Letter, Trail, letters, trails
from stores.port import Put, Store
from streams.admission import only_mark
from streams.broker import Broker, Message, Outcome
from streams.carriable import carried_headers, carried_text, carried_time
from streams.codec import encode
from streams.errors import Conflict, StreamsError

State = Literal["open", "under way", "replayed", "discarded"]

_PAGE = 500
_STATES: Mapping[Did, State] = {Did.REPLAY: "replayed", Did.DISCARD: "discarded"}
_decode_letter = msgspec.json.Decoder(Letter).decode
_decode_trail = msgspec.json.Decoder(Trail).decode


class NotReplayable(StreamsError):
    """This letter cannot be replayed."""


@dataclass(frozen=True, slots=True)
class Case:
    """A letter, and what was done about it."""

    letter: Letter
    trail: Trail
    version: int
    """Of the trail."""

    @property
    def state(self) -> State:
        """What became of its last death."""
        last = self.trail.actions[-1] if self.trail.actions else None
        if last is None or last.death != self.letter.death:
            return "open"
        return _STATES[last.did] if last.done else "under way"

    @property
    def place(self) -> str:
        """Who gave it up: `service/agent`, or the broker."""
        return f"{self.letter.service}/{self.letter.agent}" if self.letter.agent else "broker"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters: all that is named must fit. `agent` is a name, with or without its service."""

    agent: str | None = None
    kind: str | None = None
    source: str | None = None
    closed: bool = False
    """Also those that were replayed or discarded."""

    def fits(self, case: Case) -> bool:
        """Whether a letter is meant."""
        letter = case.letter
        return (
            (self.agent in (None, letter.agent, case.place))
            and self.kind in (None, letter.kind)
            and self.source in (None, letter.source)
            and (self.closed or case.state in ("open", "under way"))
        )


class Desk:
    """See the module's text."""

    def __init__(self, store: Store, *, by: str, now: Callable[[], datetime]) -> None:
        """`by` is who works here, for the trail."""
        self._store = store
        self._by = by
        self._now = now

    async def cases(self, wanted: Filter) -> AsyncIterator[Case]:
        """The letters that fit, in the order of their keys."""
        cursor: str | None = None
        while True:
            found, cursor = await self.page(wanted, _PAGE, cursor)
            for case in found:
                yield case
            if cursor is None:
                return

    async def page(self, wanted: Filter, limit: int, cursor: str | None) -> tuple[list[Case], str | None]:
        """Those of the next so many letters that fit, and where to go on; None: there are no more."""
        fields = {"kind": wanted.kind, "source": wanted.source}
        equals = {name: value for name, value in fields.items() if value is not None}
        page = await self._store.query(letters.name, equals=equals, limit=limit, cursor=cursor)
        cases = await self._with_trails([_decode_letter(row.value) for row in page.rows])
        return [case for case in cases if wanted.fits(case)], page.cursor

    async def find(self, key: str) -> list[Case]:
        """The letters whose key begins so, ten at the most."""
        page = await self._store.query(letters.name, prefix=key, limit=10)
        return await self._with_trails([_decode_letter(row.value) for row in page.rows])

    async def _with_trails(self, found: list[Letter]) -> list[Case]:
        kept = await self._store.read(trails.name, [letter.id for letter in found]) if found else {}
        cases = []
        for letter in found:
            document = kept.get(letter.id)
            trail = Trail([]) if document is None else _decode_trail(document.value)
            cases.append(Case(letter, trail, 0 if document is None else document.version))
        return cases

    async def discard(self, case: Case, why: str) -> None:
        """Close a letter without replaying it. Raises Conflict where somebody else was faster."""
        await self._note(case, self._action(case, Did.DISCARD, done=True, why=why))

    async def replay(self, case: Case, broker: Broker, trusted: frozenset[str]) -> None:
        """Send a letter to where it came from, and to its agent alone; intent and outcome are on its trail.

        `trusted`: the topology's services. Raises NotReplayable, Conflict where somebody else was faster, and
        StreamsError where the broker does not confirm: then nobody knows whether it was sent, and it can be replayed
        again, since a log agent counts it once.
        """
        message = replayed(case.letter)
        check_user(case.letter, broker.user, trusted)
        begun = await self._note(case, self._action(case, Did.REPLAY, done=False))
        (outcome,) = await broker.publish([message])
        if outcome is not Outcome.CONFIRMED:
            raise StreamsError(f"letter {case.letter.id} was {outcome.value}: is {case.letter.source!r} declared?")
        begun.trail.actions[-1].done = True
        await self._put(begun)

    def _action(self, case: Case, did: Did, *, done: bool, why: str = "") -> Action:
        return Action(did, self._by, self._now(), case.letter.death, done, why)

    async def _note(self, case: Case, action: Action) -> Case:
        return await self._put(Case(case.letter, Trail([*case.trail.actions, action]), case.version))

    async def _put(self, case: Case) -> Case:
        put = Put(case.letter.id, encode(case.trail), case.version)
        (written,) = await self._store.write(trails.name, [put])
        if not written:
            raise Conflict(f"somebody else works on letter {case.letter.id}: look at it again")
        return Case(case.letter, case.trail, case.version + 1)


def check_user(letter: Letter, user: str, trusted: frozenset[str]) -> None:
    """Raises NotReplayable where log agents would not take this user's word that a message is for one agent alone:
    they would all count it as an event of its own."""
    if letter.offset >= 0 and user not in trusted and user != letter.user:
        raise NotReplayable(
            f"log agents take replays from services' users and their own ({letter.user!r} here), not from {user!r}: "
            "set WARREN_BROKER to connect as the service of the letter"
        )


def replayed(letter: Letter) -> Message:
    """The letter as a new message: the event as it came, under its id, for its queue or log alone.

    Raises NotReplayable.
    """
    if letter.left_out:
        raise NotReplayable(
            f"the event of letter {letter.id} has {letter.left_out:,} bytes, more than can be sent: it is in log "
            f"{letter.source!r} at offset {letter.offset}. Publish it anew, in parts"
        )
    if letter.agent.startswith("forward:"):
        raise NotReplayable(f"letter {letter.id} never reached a partition: publish it anew, with a key")
    only = {"only": only_mark(f"{letter.service}/{letter.agent}", letter.offset)} if letter.offset >= 0 else {}
    return Message(
        exchange="",
        routing_key=letter.source,
        body=letter.letter_body,
        message_id=carried_text(letter.event_id),
        type=letter.type,
        headers={**carried_headers(letter.headers), **only},
        correlation_id=carried_text(letter.correlation_id) or None,
        timestamp=carried_time(letter.timestamp),
        app_id=letter.app_id or None,
    )
