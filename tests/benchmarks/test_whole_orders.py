"""What is told of the cost of whole orders."""

from benchmarks.whole_orders import told


def test_it_tells_milliseconds_an_order_of_each_process_and_of_all() -> None:
    first, *lines = told(2_000, 8.0, {"orders": 2.0, "RabbitMQ": 3.0})
    assert first == "2,000 orders in 8.0 s, 250/s; ms of CPU an order:"
    assert [line.split() for line in lines] == [["orders", "1.000"], ["RabbitMQ", "1.500"], ["all", "2.500"]]
