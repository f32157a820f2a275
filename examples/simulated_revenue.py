"""Let everything go wrong around an agent, thirty times, and see that its table is right in the end.

    python examples/simulated_revenue.py
    python -m streams.testing --scenario examples.simulated_revenue:scenario --seed 17

See docs/testing.md.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from streams import App, Record, Stream
from streams.testing import Input, Outcome, Scenario, Violation, simulate
from topology.spec import Binding, Exchange, Log, Service, Topology

topology = Topology(
    (
        Service("shared", exchanges=(Exchange("dlx"),), logs=(Log("dead.letters", (Binding("dlx", "#"),)),)),
        Service("books", exchanges=(Exchange("payments"),), logs=(Log("books.payments", (Binding("payments", "#"),)),)),
    )
)


class PaymentCaptured(Record, event="payment.captured"):
    """Money came in."""

    amount: int
    currency: str


def books() -> App:
    """The app, made anew for every worker."""
    app = App("books")
    revenue = app.Table("revenue", default=int)

    @app.agent(app.topic("books.payments", value_type=PaymentCaptured))
    async def revenue_by_currency(stream: Stream[PaymentCaptured]) -> None:
        async for payment in stream:
            revenue[payment.currency] += payment.amount

    return app


def apps() -> Sequence[App]:
    """What every worker runs."""
    return (books(),)


def inputs(random: Random) -> Iterator[Input]:
    """Payments, some of them together, some seconds apart."""
    for number in range(random.randint(5, 50)):
        payment = PaymentCaptured(random.randint(1, 9), random.choice(["EUR", "SEK"]))
        yield Input("payments", payment, id=f"payment-{number}", after=random.choice([0, 0.1, 3]))


def check(outcome: Outcome) -> Iterable[Violation]:
    """The revenue is what was paid: each payment counts exactly once."""
    paid: Counter[str] = Counter()
    for given in outcome.inputs:
        if isinstance(given.value, PaymentCaptured):
            paid[given.value.currency] += given.value.amount
    if outcome.table("books", "revenue") != paid:
        yield Violation("wrong", f"paid {dict(paid)}, counted {outcome.table('books', 'revenue')}")


scenario = Scenario(apps, topology, inputs, check)


def main(seeds: int = 30) -> None:
    """Simulate, and see that things did go wrong on the way."""
    runs = [simulate(scenario, seed) for seed in range(seeds)]
    assert sum(run.figures.kills for run in runs) > 0
    assert sum(run.figures.wire_duplicates for run in runs) > 0
    for run in runs:
        assert not run.violations, (run.seed, run.violations)
    print(f"{seeds} seeds: every payment was counted exactly once")


if __name__ == "__main__":
    main()
