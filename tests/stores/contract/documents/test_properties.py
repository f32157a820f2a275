"""Whatever is done to documents, a store answers as the one in memory does."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stores.port import Store
from tests.stores.places import MemoryPlace, Place
from tests.stores.samples import COLLECTIONS, LETTERS
from tests.stores.steps import ReadPages, Run, Step, answer, document_steps

_LAST: tuple[Step, ...] = tuple(ReadPages("letters", {}, "", field, False, 3) for field in (None, *LETTERS.index))


async def _opened(place: Place) -> Store:
    store = place.store()
    await store.open()
    await store.apply(COLLECTIONS)
    return store


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(document_steps, max_size=20))
async def test_every_store_answers_like_the_one_in_memory(place: Place, asked: Sequence[Step]) -> None:
    model_place = MemoryPlace()
    model = Run(await _opened(model_place), model_place)
    subject = Run(await _opened(place), place)
    try:
        for step in [*asked, *_LAST]:
            assert await answer(step, subject) == await answer(step, model), step
    finally:
        await place.empty([spec.name for spec in COLLECTIONS])
        await subject.store.close()
