import pytest

from tests.topology.fake_api import VHOST, fake_api
from topology.errors import BrokerRefused, BrokerUnreachable
from topology.management import Management
from topology.observe import observe
from topology.state import Observed


@pytest.mark.parametrize("url", ["", "localhost:15672", "amqp://guest@localhost", "http://"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(BrokerUnreachable, match="http://user:password@host:15672"):
        Management(url)


async def test_nobody_at_the_address_is_said_without_the_password() -> None:
    async with Management("http://me:hush@127.0.0.1:1") as management:
        with pytest.raises(BrokerUnreachable) as raised:
            await observe(management, "/")
    assert "management API at http://127.0.0.1:1 does not answer" in str(raised.value)
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__


async def test_an_empty_virtual_host_is_observed_as_nothing() -> None:
    with fake_api() as api:
        async with Management(api.url) as management:
            assert await observe(management, "/", users=True) == Observed()


async def test_a_broker_that_is_too_old_is_refused() -> None:
    with fake_api({**VHOST, "/api/overview": b'{"rabbitmq_version": "3.9.29"}'}) as api:
        async with Management(api.url) as management:
            with pytest.raises(BrokerRefused, match=r"RabbitMQ 3\.9\.29 is too old: 3\.10 or newer is needed"):
                await observe(management, "/")


async def test_another_server_at_the_address_is_noticed() -> None:
    with fake_api({"/api/overview": b"<html>"}) as api:
        async with Management(api.url) as management:
            with pytest.raises(BrokerRefused, match="does not answer like the management API of RabbitMQ"):
                await observe(management, "/")


async def test_a_user_that_is_let_in_nowhere_is_named_as_the_reason() -> None:
    refusal = b'{"error": "not_authorised", "reason": "Login failed"}'
    with fake_api({"/api/overview": refusal}, status=401) as api:
        async with Management(api.url) as management:
            with pytest.raises(BrokerRefused, match=r"\(Login failed\): name an administrator there"):
                await observe(management, "/")


async def test_any_other_refusal_tells_the_request_and_its_reason() -> None:
    with fake_api({"/api/overview": b"oops"}, status=500) as api:
        async with Management(api.url) as management:
            with pytest.raises(BrokerRefused, match=r"GET overview: Internal Server Error \(500\)"):
                await observe(management, "/")


async def test_a_virtual_host_that_is_only_starting_is_asked_again() -> None:
    with fake_api() as api:
        api.stumbles = 2
        async with Management(api.url) as management:
            assert await observe(management, "/") == Observed()


async def test_what_is_declared_while_somebody_else_declares_it_is_declared_again() -> None:
    with fake_api(changes=3) as api:
        api.stumbles = 2
        async with Management(api.url) as management:
            await management.put({"durable": True}, "queues", "/", "orders")
        assert api.changes == 0
