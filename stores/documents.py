"""Compare-and-set over a batch of puts: the judgement, apart from how a store keeps documents."""

from collections.abc import Mapping, Sequence

from stores.port import Document, Put


def judge(puts: Sequence[Put], versions: Mapping[str, int]) -> tuple[list[bool], dict[str, Document]]:
    """Each put's outcome, one after another from the current versions, and the documents that they leave."""
    outcomes: list[bool] = []
    written: dict[str, Document] = {}
    for put in puts:
        current = written[put.id].version if put.id in written else versions.get(put.id, 0)
        outcomes.append(put.version == current)
        if put.version == current:
            written[put.id] = Document(put.value, current + 1)
    return outcomes, written
