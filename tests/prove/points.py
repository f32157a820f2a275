"""The points at which a worker is struck. `trapped_store.py`, `trapped_broker.py` and `subject.py` pass them."""

from typing import Final

LOG_AGENT: Final = (
    "acquire.before",
    "acquire.after",
    "republish.before",
    "republish.after",
    "ids.after",
    "scan.after",
    "subscribe.before",
    "subscribe.after",
    "chunk.after",
    "fetch.before",
    "fetch.after",
    "body",
    "commit.before",
    "commit.inside",
    "commit.after",
    "publish.before",
    "publish.half",
    "publish.after",
    "clear.before",
    "clear.after",
    "heartbeat.before",
    "heartbeat.after",
    "release.before",
    "release.after",
)
"""Of a log agent, in the order it passes them."""

QUEUE_AGENT: Final = (
    "consume.before",
    "consume.after",
    "deliver.after",
    "handle",
    "read.before",
    "read.after",
    "intent.before",
    "intent.after",
    "outcome.before",
    "outcome.after",
    "tell.before",
    "tell.half",
    "tell.after",
    "ack.before",
    "ack.after",
    "retry.before",
    "retry.after",
    "bury.before",
    "bury.after",
)
"""Of a queue agent. `handle` is in its body, `tell` publishes what it sends."""

POINTS: Final = (*LOG_AGENT, *QUEUE_AGENT)

AT_STOP: Final = frozenset({"release.before", "release.after"})
"""Passed when the worker stops."""
AFTER_A_CRASH: Final = frozenset({"republish.before", "republish.after"})
"""Passed by the worker that takes over from one that crashed with sends under way."""
LATER: Final = {"heartbeat.before": 3, "heartbeat.after": 3, "body": 50, "handle": 20, "commit.before": 2}
"""Not the first passage: by then something is under way."""
