"""Hypothesis runs the whole shop: whatever people do, in whatever order and at whatever time, every invariant holds."""

from hypothesis import HealthCheck, settings

from tests.shop.people import People

People.TestCase.settings = settings(
    max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestPeople = People.TestCase
