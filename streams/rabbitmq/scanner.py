"""Reading the messages of a log at full speed."""

from collections.abc import Collection, Sequence

from streams.broker import Envelope, Lineage
from streams.rabbitmq.amqp10 import Unreadable
from streams.rabbitmq.layout import Layout, Texts
from streams.rabbitmq.outline import outline
from streams.rabbitmq.pieces import Irregular
from streams.rabbitmq.reading import lineage, read


class Scanner:
    """Turns messages into envelopes, and learns their layouts on the way.

    A log has a few layouts, each known after a few messages. Where messages go on to differ, learning stops paying,
    and is only tried now and then.
    """

    LAYOUTS = 12
    LESSONS = 100
    PATIENCE = 256

    def __init__(self) -> None:
        self._layouts: list[Layout] = []
        self._texts = Texts()
        self._missed = 0

    def scan(self, raws: Sequence[bytes], first: int, skip: Collection[str]) -> list[Envelope]:
        """The envelopes of consecutive messages, `first` being the offset of the first of them."""
        found: list[Envelope] = []
        layouts, texts = self._layouts, self._texts
        layout: Layout | None = None
        for offset, raw in enumerate(raws, first):
            for layout in layouts:
                match = layout.match(raw)
                if match is None:
                    continue
                try:
                    envelope = layout.read(match, offset, skip, texts)
                except (Irregular, UnicodeDecodeError):
                    envelope = read(raw, offset, skip)
                break
            else:
                envelope = self._read(raw, offset, skip)
            if envelope is not None:
                found.append(envelope)
        self._used(layout)
        return found

    def lineage(self, raw: bytes) -> Lineage:
        """What a message belongs to."""
        for layout in self._layouts:
            match = layout.match(raw)
            if match is not None:
                try:
                    return layout.lineage(match)
                except (Irregular, UnicodeDecodeError):
                    break
        return lineage(raw)

    def _used(self, layout: Layout | None) -> None:
        """The layouts that were used last are tried first."""
        if layout is not None and layout is not self._layouts[0]:
            self._layouts.remove(layout)
            self._layouts.insert(0, layout)

    def _read(self, raw: bytes, offset: int, skip: Collection[str]) -> Envelope | None:
        self._missed += 1
        if self._missed <= self.LESSONS or self._missed % self.PATIENCE == 0:
            self._learn(raw)
        return read(raw, offset, skip)

    def _learn(self, raw: bytes) -> None:
        try:
            new = Layout(raw, outline(raw))
        except (Irregular, Unreadable):
            return
        known = next((layout for layout in self._layouts if layout.structure == new.structure), None)
        if known is not None:
            known.widen(new)
        else:
            self._layouts[self.LAYOUTS - 1 :] = [new]
