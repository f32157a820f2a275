"""Whatever is done to a store, it answers as the one in memory does."""

from collections.abc import Callable, Sequence
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stores.port import Store, TableSpec
from tests.stores.places import MemoryPlace, Place
from tests.stores.samples import ORDERS, SPECS
from tests.stores.steps import ReadAll, ReadPages, Run, Step, answer, steps

# Of the documents, `userId` has no index: both stores have to say so.
_TABLES: tuple[TableSpec, ...] = SPECS
_LAST: tuple[Step, ...] = (
    ReadAll(),
    *(ReadPages("orders", {}, "", field, False, 3) for field in (None, *ORDERS.index)),
    ReadPages("payments", {}, "", "status", True, 2),
)


def _births() -> Callable[[], str]:
    numbers = count()
    return lambda: f"birth-{next(numbers)}"


async def _opened(place: Place) -> Store:
    store = place.store(_births())
    await store.open()
    await store.apply(_TABLES)
    return store


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(steps, max_size=25))
async def test_every_store_answers_like_the_one_in_memory(place: Place, asked: Sequence[Step]) -> None:
    model_place = MemoryPlace()
    model = Run(await _opened(model_place), model_place)
    subject = Run(await _opened(place), place)
    try:
        for step in [*asked, *_LAST]:
            assert await answer(step, subject) == await answer(step, model), step
    finally:
        await place.empty([spec.name for spec in _TABLES])
        await subject.store.close()
