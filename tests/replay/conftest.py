"""Processes of the replay's tests end with the test run, however that ends."""

from collections.abc import Iterator

import pytest

from tests.servers.guard import Guard


@pytest.fixture(scope="session")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()
