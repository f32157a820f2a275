"""Declarations are checked before anything runs, all at once, with the nearest names."""

from typing import Any

import pytest

from stores.memory import MemoryStore
from stores.redis import RedisStore
from streams import App, Record
from streams.errors import DeclarationError, OutsideAgent
from streams.graph import check, check_stores
from tests.streams.engine.stage import Counted, Order, counting, topology


class Unheard(Record, event="unheard"):
    """Nobody publishes it."""


async def nothing(stream: Any) -> None:
    async for _ in stream:
        pass


def faults(app: App) -> str:
    with pytest.raises(DeclarationError) as raised:
        check([app], topology())
    return str(raised.value)


def test_what_fits_passes() -> None:
    app = App("counter")
    counting(app)
    check([app], topology())


def test_a_log_agent_on_a_store_without_commits_is_told_what_to_name_instead() -> None:
    app = App("counter")
    counting(app)
    check_stores([app], {"counter": MemoryStore()}, topology())
    with pytest.raises(DeclarationError, match=r"redis keeps documents alone: give counter a store with commits"):
        check_stores([app], {"counter": RedisStore("redis://127.0.0.1/0", "counter")}, topology())


def test_an_app_that_no_file_declares_is_told() -> None:
    assert "no service 'countr' is declared; did you mean 'counter'?" in faults(App("countr"))


def test_a_log_that_is_not_declared_is_told_with_the_nearest_name() -> None:
    app = App("counter")
    app.agent(app.topic("order", value_type=Order), name="a")(nothing)
    assert "agent counter.a reads 'order', which is not declared; did you mean 'orders'?" in faults(app)


def test_reading_an_exchange_is_told() -> None:
    app = App("counter")
    app.agent(app.topic("in", value_type=Order), name="a")(nothing)
    assert "is an exchange: agents read queues and logs" in faults(app)


def test_sending_what_the_topology_does_not_declare_is_told() -> None:
    app = App("counter")
    app.topic("outt", value_type=Counted)
    app.topic("out", value_type=Unheard)
    told = faults(app)
    assert "sends to 'outt', which the topology does not declare; did you mean 'out'?" in told
    assert "does not declare that it publishes it" in told


def test_a_table_needs_exactly_one_owner() -> None:
    app = App("counter")
    app.Table("t", default=int)
    app.agent(app.topic("orders", value_type=Order), name="a")(nothing)
    app.agent(app.topic("counted", value_type=Counted), name="b")(nothing)
    assert "table 't' of counter belongs to no log agent: name it in one agent's tables=" in faults(app)


def test_a_log_agent_has_no_concurrency() -> None:
    app = App("counter")
    app.agent(app.topic("orders", value_type=Order), name="a", concurrency=2)(nothing)
    assert "order allows 1" in faults(app)


def test_names_are_given_once() -> None:
    app = App("counter")
    app.Table("t", default=int)
    with pytest.raises(DeclarationError, match="declares 't' twice"):
        app.documents("t", Order)
    app.agent(app.topic("orders", value_type=Order), name="a")(nothing)
    with pytest.raises(DeclarationError, match="two agents named 'a'"):
        app.agent(app.topic("orders", value_type=Order), name="a")(nothing)


def test_tables_are_used_in_agents_only() -> None:
    table = App("counter").Table("t", default=int)
    with pytest.raises(OutsideAgent, match="read it through a view"):
        table["x"]


def test_several_types_on_a_topic_must_name_their_events() -> None:
    with pytest.raises(DeclarationError, match="records that each name their own event"):
        App("counter").topic("orders", value_type=Order | int)
