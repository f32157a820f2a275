"""The garbage collector, fitted to long runs over many small objects."""

import gc

YOUNG = 50_000
"""New containers before the collector looks for cycles; CPython's 700 make it look many times in a batch of events."""


def fit_collector() -> None:
    """Let what was imported alone, and look for cycles less often. To be called once, when all is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
