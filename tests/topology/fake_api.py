"""A management API that says what a test wants to hear."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

VHOST = {"/api/overview": b'{"rabbitmq_version": "3.10.8"}', "/api/vhosts": b'[{"name": "/"}]'}
"""The answers of a broker with one empty virtual host."""


class FakeApi(ThreadingHTTPServer):
    """Answers GET by path, `[]` by default, and takes so many changes; then it answers no more until it is closed."""

    def __init__(self, answers: Mapping[str, bytes], changes: int, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers = answers
        self.changes = changes
        self.status = status
        self.stumbles = 0
        """So many answers come after this with status 500."""
        self.stuck = Event()
        self.closing = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: FakeApi

    def do_GET(self) -> None:
        self._answer(self.server.answers.get(self.path, b"[]"))

    def do_PUT(self) -> None:
        if not self.server.changes:
            self.server.stuck.set()
            self.server.closing.wait()
            self.close_connection = True
            return
        self.server.changes -= 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(500 if self.server.stumbles > 0 else self.server.status)
        self.server.stumbles -= 1
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def fake_api(answers: Mapping[str, bytes] = VHOST, *, changes: int = 0, status: int = 200) -> Iterator[FakeApi]:
    """A running one; `status` is that of all its answers."""
    with FakeApi(answers, changes, status) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
