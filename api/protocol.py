"""HTTP/1.1 on one connection, with limits on how long a client may take over the parts that no application sees."""

from asyncio import TimerHandle, Transport
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN: Final = 10.0
"""Seconds for a request's head, from the connection's or the head's beginning."""
HEAD_BYTES: Final = 65_536
"""Bytes of a head that is not complete."""
UNREAD_WITHIN: Final = 30.0
"""Seconds for which a client may read nothing of an answer that waits for it."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """Ends connections whose heads come too slowly or are too large (408, 431), and those that do not read."""

    _within = HEAD_WITHIN
    _unread_within = UNREAD_WITHIN
    _head_timer: TimerHandle | None = None
    _unread_timer: TimerHandle | None = None
    _head_size = 0
    _awaits_head = True
    _under_way = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._reads_again()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._awaits_head:
            self._expect_head()
            self._head_size += len(data)
        super().data_received(data)
        if self._awaits_head and self._head_size > HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._awaits_head = True
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._awaits_head = False
        self._head_size = 0
        self._head_came()
        self._under_way += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._awaits_head = True

    def on_response_complete(self) -> None:
        self._under_way -= 1
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self._unread_within, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reads_again()

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._within, self._refuse, _TOO_SLOW)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _reads_again(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            # Requests before this one may be under way still: their answers come first, and then nothing.
            if not self._under_way:
                self.transport.write(answer)
            self.transport.close()
