"""A table that is not resident, whatever its handlers do while a commit is under way, with little room in memory."""

from collections.abc import Iterable
from functools import partial
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import Record, working
from streams.at_hand import AtHand
from streams.ready import Ready
from streams.working import Change, Working


class Tally(Record):
    seen: list[str] = msgspec.field(default_factory=list)


decode = msgspec.json.Decoder(Tally).decode
Model = dict[str, list[str]]


class Owner:
    """A working copy, the store that it is written to, and at most one commit on its way there."""

    def __init__(self, random: Random) -> None:
        self.working = Working("t", decode, Tally, resident=False)
        self.store: dict[str, bytes] = {}
        self.model: Model = {}
        self._random = random
        self._under_way: list[Change] = []

    def batch(self) -> None:
        """Load, change, and commit, or forget."""
        keys = self._random.sample("abcdefg", self._random.randint(1, 4))
        if self._random.random() < 0.5:
            self.arrive()
        self._load(keys)
        if self._random.random() < 0.5:
            self.arrive()
        here = {key: list(seen) for key, seen in self.model.items()}
        for number in range(self._random.randint(1, 8)):
            self._step(self._random.choice(keys), str(number), here)
        if self._random.random() < 0.2:
            self._forget()
            return
        self.arrive()
        changes = self.working.changes()
        self.working.settle(changes)
        self.model, self._under_way = here, changes

    def arrive(self) -> None:
        """The commit that is under way, if there is one, is in the store."""
        for key, raw in self._under_way:
            if raw is None:
                self.store.pop(key, None)
            else:
                self.store[key] = bytes(raw)
        self._under_way = []

    def _step(self, key: str, word: str, here: Model) -> None:
        blind = self._random.choice("hij")
        match self._random.choice(["set", "grow", "delete", "default", "blind", "late"]):
            case "set":
                self.working[key], here[key] = Tally([word]), [word]
            case "grow" if key in here:
                self.working[key].seen.append(word)
                here[key] = [*here[key], word]
            case "delete" if key in here:
                del self.working[key], here[key]
            case "default":
                assert self.working[key].seen == here.setdefault(key, [])
            case "blind":
                self.working[blind], here[blind] = Tally([word]), [word]
            case "late" if blind not in self.working.touched:
                self._load([blind])
                self._compare(blind, here)
        self._compare(key, here)

    def _forget(self) -> None:
        if self._random.random() < 0.3:
            self.working.changes()
        self.working.rollback()

    def _load(self, keys: Iterable[str]) -> None:
        asked = self.working.unloaded(keys)
        self.working.load(asked, {key: self.store[key] for key in asked if key in self.store})

    def _compare(self, key: str, here: Model) -> None:
        found = self.working.peek(key)
        assert (found and found.seen) == here.get(key), key


@given(st.integers(), st.sampled_from([0, 600, 1_200, 5_000]), st.sampled_from([0, 600, 1_200, 5_000]))
def test_what_is_read_and_what_is_stored_is_what_was_written(seed: int, at_hand: int, ready: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(working, "AtHand", partial(AtHand, at_hand))
        patched.setattr(working, "Ready", partial(Ready, ready))
        owner = Owner(Random(seed))
        for _ in range(30):
            owner.batch()
        owner.arrive()
    assert {key: decode(raw).seen for key, raw in owner.store.items()} == owner.model
