"""Ids that follow from an event."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from streams.event import NAMESPACE, derive_id, derived_text


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_derived_id_is_a_uuid_of_version_5(event_id: str, name: str) -> None:
    expected = uuid5(NAMESPACE, f"{event_id}/{name}")
    assert derive_id(event_id, name) == expected
    assert derived_text(event_id, name) == str(expected)
