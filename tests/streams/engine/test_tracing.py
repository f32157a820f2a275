"""Spans: one for each event that came with a sampled trace, the same at every handling."""

from datetime import timedelta
from typing import Any

import pytest

from streams import App
from streams.broker import Scalar
from streams.tracing import Kind, Span, parent_of
from tests.streams.engine.stage import Order, Stage, Unsteady, counting, handled, on_stage

TRACE, PARENT = "a" * 32, "b" * 16
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"


class Spans(list[Span]):
    """A tracer that keeps what it is given."""

    def ended(self, span: Span) -> None:
        self.append(span)


async def carried(stage: Stage) -> list[Scalar | None]:
    """The `traceparent` of everything that was sent."""
    async with stage.broker.read("counted", "first") as reader:
        chunk = await anext(aiter(reader))
        return [reader.details(envelope).headers.get("traceparent") for envelope in reader.scan(chunk, 0, ())]


@on_stage
async def test_what_a_handler_sends_is_a_child_of_its_span(stage: Stage) -> None:
    app, spans = App("counter"), Spans()
    counting(app)
    worker = await stage.start(app, tracer=spans)
    await stage.send(Order("a"), Order("b"), ids=["1", "2"], headers={"traceparent": SAMPLED})
    await handled(worker, 2)
    await worker.stop()
    assert [(span.name, span.kind, span.trace_id, span.parent_id) for span in spans] == [
        ("count process order", Kind.CONSUMER, TRACE, PARENT)
    ] * 2
    assert [span.attributes["messaging.message.id"] for span in spans] == ["1", "2"]
    assert await carried(stage) == [f"00-{TRACE}-{span.span_id}-01" for span in spans]
    assert len({span.span_id for span in spans}) == 2
    assert all(0 < span.began <= span.ended and not span.failed for span in spans)


@pytest.mark.parametrize("header", [UNSAMPLED, "nonsense", f"00-{'0' * 32}-{PARENT}-01"])
@on_stage
async def test_a_trace_that_nobody_records_passes_as_it_came(stage: Stage, header: str) -> None:
    app, spans = App("counter"), Spans()
    counting(app)
    worker = await stage.start(app, tracer=spans)
    await stage.send(Order("a"), headers={"traceparent": header})
    await handled(worker, 1)
    await worker.stop()
    assert spans == []
    assert await carried(stage) == [header]


@on_stage
async def test_without_a_tracer_the_sender_s_span_is_passed_on(stage: Stage) -> None:
    app = App("counter")
    counting(app)
    worker = await stage.start(app)
    await stage.send(Order("a"), headers={"traceparent": SAMPLED})
    await handled(worker, 1)
    await worker.stop()
    assert await carried(stage) == [SAMPLED]


@on_stage
async def test_an_event_that_is_handled_again_has_the_same_span(stage: Stage) -> None:
    app, spans = App("counter"), Spans()
    counting(app)
    broken = Unsteady(stage.store, [("before", ConnectionError("gone"))])
    worker = await stage.start(app, tracer=spans, store=broken)
    await stage.send(Order("a"), headers={"traceparent": SAMPLED})
    await handled(worker, 1)
    await worker.stop()
    assert len(spans) >= 2, "the commit did not fail"
    assert len({span.span_id for span in spans}) == 1
    assert await carried(stage) == [f"00-{TRACE}-{spans[0].span_id}-01"]


@on_stage
async def test_each_try_of_a_queue_agent_is_a_span_and_says_whether_it_failed(stage: Stage) -> None:
    app, spans = App("counter"), Spans()

    @app.agent(app.topic("jobs", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for event in stream.events():
            if event.attempt == 1:
                raise ValueError("not yet")

    worker = await stage.start(app, tracer=spans)
    await stage.send(Order("a"), headers={"traceparent": SAMPLED})
    await handled(worker, 1)
    await worker.stop()
    assert [(span.failed, span.parent_id) for span in spans] == [(True, PARENT), (False, PARENT)]


@on_stage
async def test_a_group_is_one_span_of_its_last_event(stage: Stage) -> None:
    app, spans = App("counter"), Spans()

    @app.agent(app.topic("orders", value_type=Order), name="serve")
    async def serve(stream: Any) -> None:
        async for _ in stream.take(2, within=timedelta(seconds=1)):
            pass

    worker = await stage.start(app, tracer=spans)
    await stage.send(Order("a"), Order("b"), ids=["1", "2"], headers={"traceparent": SAMPLED})
    await handled(worker, 2)
    await worker.stop()
    assert [span.attributes["messaging.message.id"] for span in spans] == ["2"]


def test_a_parent_is_a_sampled_traceparent() -> None:
    parent = parent_of(SAMPLED)
    assert parent is not None
    assert (parent.trace_id, parent.span_id) == (TRACE, PARENT)
    assert [parent_of(header) for header in (None, "", UNSAMPLED, SAMPLED + "0", SAMPLED.upper())] == [None] * 5
