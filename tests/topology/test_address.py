import pytest

from topology.address import management_of, vhost_of
from topology.errors import TopologyError


@pytest.mark.parametrize(
    ("broker", "management"),
    [
        ("amqp://guest:guest@127.0.0.1:5672/", "http://guest:guest@127.0.0.1:15672"),
        ("amqp://rabbit", "http://guest:guest@rabbit:15672"),
        ("amqp://", "http://guest:guest@localhost:15672"),
        ("amqps://a:p%40ss@[::1]:5671/v", "https://a:p%40ss@[::1]:15671"),
        ("amqp://a:b@[::1]/v", "http://a:b@[::1]:15672"),
    ],
)
def test_the_management_api_is_on_the_broker_s_host(broker: str, management: str) -> None:
    assert management_of(broker) == management


@pytest.mark.parametrize(
    ("broker", "vhost"), [("amqp://h", "/"), ("amqp://h/", "/"), ("amqp://h/%2F", "/"), ("amqp://h/a%20b", "a b")]
)
def test_the_path_of_the_address_is_the_virtual_host(broker: str, vhost: str) -> None:
    assert vhost_of(broker) == vhost


def test_another_scheme_is_refused() -> None:
    with pytest.raises(TopologyError, match="amqp://"):
        management_of("http://rabbit:15672")
