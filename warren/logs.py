"""What logs look like: JSON for machines, colours for terminals, no secrets in either.

Everybody logs with `structlog.get_logger()`; what is bound with `structlog.contextvars`, such as the correlation id of
a request or an event, stands in every line of that context. Only composition roots call `configure`.
"""

import io
import logging
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import lru_cache, partial
from typing import Final, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"
_SECRET_NAMES = re.compile(r"passw|secret|token|authorization|cookie|credential|api_?key|private_?key", re.IGNORECASE)
_SECRET_TEXTS = re.compile(
    r"(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+(?=@)"  # scheme://user:password@
    r"|(?P<bearer>\bbearer\s+)[^\s\"',]+"
    r"|(?P<query>[?&](?:password|token|access_token|secret|api_key)=)[^\s&\"']+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*",  # a JSON Web Token: base64url of `{"`, twice
    re.IGNORECASE,
)

_SECRET_MARKS = ("://", "bearer", "eyj", "=")
"""One of them is in everything that `_SECRET_TEXTS` finds."""


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["auto", "console", "json"] = "auto",
    stream: TextIO | None = None,
) -> None:
    """Send all logs, those of libraries too, to `stream` (stderr, to nobody where that is closed). `auto` is console on
    a terminal, else JSON."""
    stream = stream or sys.stderr or _Nobody()
    console = form == "console" or (form == "auto" and stream.isatty())
    line = [hide_named_secrets, *(_console(stream) if console else _json()), _hide_secrets_in_line]
    handler = logging.StreamHandler(stream)
    _configure_libraries(level, handler, line)
    # Our own lines take no way through `logging`, which costs more than all that is done to them here.
    structlog.configure(
        processors=[*_TOLD, *line],
        logger_factory=partial(Sheet, handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


class _Nobody(io.StringIO):
    """Keeps nothing of what it is told."""

    def write(self, text: str) -> int:
        return len(text)


_TOLD: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
"""What every line tells."""


class Sheet:
    """Lines of one logger, on the stream of a handler. They never stand within one another, and a stream that takes no
    more, as on a full disk, is no fault of whoever logs."""

    def __init__(self, handler: "logging.StreamHandler[TextIO]", name: str = "warren") -> None:
        self.name = name
        self._handler = handler

    def write(self, line: str) -> None:
        """One line."""
        handler = self._handler
        with suppress(OSError, ValueError), handler.lock or nullcontext():
            handler.stream.write(f"{line}\n")
            handler.flush()

    debug = info = warning = error = critical = write


def _configure_libraries(level: str, handler: logging.Handler, line: Sequence[Processor]) -> None:
    """They log by `logging`."""
    _record_no_more_than_told()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_TOLD, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *line]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # It tells with a traceback, for each session, that PostgreSQL is away; agents tell the same in a sentence.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
    # It tells at each start which kind of database it looks at.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It tells every request that is made.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _record_no_more_than_told() -> None:
    """Looking up where each line was logged takes longer than writing it, and no line tells it.

    The names are those of the documentation of `logging`, under Optimization.
    """
    vars(logging).update(
        _srcfile=None, logThreads=False, logProcesses=False, logMultiprocessing=False, logAsyncioTasks=False
    )


def _console(stream: TextIO) -> list[Processor]:
    # The default formatter, where rich is installed, prints the local variables of every frame.
    renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    return [_printable, renderer]


def _printable(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Escape what would move a terminal's cursor, or clear it: paths of requests are anybody's."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _json() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_dumps),
    ]


def _dumps(event: EventDict, **options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def hide_named_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace the values whose names say that they are secret, in nested mappings too."""
    return {name: _hidden(name, value) for name, value in event.items()}


def _hidden(name: object, value: object) -> object:
    if isinstance(name, str) and _says_secret(name):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _hidden(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(None, item) for item in value]
    return value


@lru_cache(1_024)
def _says_secret(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


def hide_secrets(text: str) -> str:
    """Replace what looks like a secret within a text: passwords in URLs, bearer tokens, JSON Web Tokens."""
    # Most lines of a busy process are of requests and hold none: this costs a hundredth of the search.
    lower = text.lower()
    if not any(mark in lower for mark in _SECRET_MARKS):
        return text
    return _SECRET_TEXTS.sub(lambda found: (found[found.lastgroup] if found.lastgroup else "") + HIDDEN, text)


def _hide_secrets_in_line(logger: WrappedLogger, method: str, line: EventDict) -> str:
    # After rendering, so that tracebacks are covered. structlog types every step but the last as a mapping.
    return hide_secrets(str(line))
