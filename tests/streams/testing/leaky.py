"""A scenario whose agent is no function of its log: it counts in a local variable."""

from collections.abc import Sequence
from dataclasses import replace

from streams import App, Stream
from streams.testing import Scenario
from streams.testing.shop import Ordered, Reminder, auditor, billing
from streams.testing.shop import scenario as shop


def forgetful() -> App:
    """Keeps what a table should."""
    app = App("counter")
    seen = app.Table("seen", default=int)

    @app.agent(app.topic("orders", value_type=Ordered | Reminder))
    async def count(stream: Stream[Ordered | Reminder]) -> None:
        number = 0
        async for order in stream:
            number += 1
            seen[order.order] = number

    return app


def apps() -> Sequence[App]:
    """The shop, with the counter replaced."""
    return forgetful(), billing(), auditor()


def scenario() -> Scenario:
    """Nothing is checked but what is always checked."""
    return replace(shop(), apps=apps, check=lambda outcome: ())
