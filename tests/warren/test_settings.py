"""Settings come from the environment, are checked at once, and keep their secrets."""

from pathlib import Path

import pytest

from warren.errors import SettingsError
from warren.settings import SecretUrl, Settings, embedded_settings, load_settings


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*Settings.model_fields, "store_orders"]:
        monkeypatch.delenv(f"WARREN_{name.upper()}", raising=False)


def test_without_any_variable_everything_is_embedded() -> None:
    settings = load_settings()
    assert settings.embedded
    assert settings.data == Path(".warren")
    assert settings.store_url("orders").get_secret_value() == "sqlite:///.warren/orders.db"


def test_a_service_s_own_store_comes_before_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_STORE", "postgresql://db/shop")
    monkeypatch.setenv("WARREN_STORE_ANALYTICS", "mongodb://mongo/analytics")
    monkeypatch.setenv("WARREN_STORE_BACK_OFFICE", "sqlite:///office.db")
    settings = load_settings()
    assert settings.store_url("orders").get_secret_value() == "postgresql://db/shop"
    assert settings.store_url("analytics").get_secret_value() == "mongodb://mongo/analytics"
    assert settings.store_url("back-office").get_secret_value() == "sqlite:///office.db"


def test_passwords_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_BROKER", "amqp://warren:hunter2@mq:5672/shop")
    monkeypatch.setenv("WARREN_STREAM", "rabbitmq-stream://warren:hunter2@mq:5552/shop")
    monkeypatch.setenv("WARREN_STORE_ORDERS", "postgresql://orders:hunter2@db/shop")
    settings = load_settings()
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {settings.store_url('orders')}"
    assert "hunter2" not in shown
    assert "amqp://warren:***@mq:5672/shop" in shown
    assert not settings.embedded


@pytest.mark.parametrize("url", ["sqlite:///a.db", "amqp://mq/", "amqp://guest@mq/", "amqp://[::1]:5672/%2f"])
def test_a_url_without_a_password_is_shown_as_it_is(url: str) -> None:
    assert str(SecretUrl(url)) == url


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WARREN_BROKER", "hunter2", "WARREN_BROKER: not a URL that begins with amqp:// or amqps://"),
        ("WARREN_BROKER", "amqp://u:hunter2@mq/", "WARREN_STREAM is missing: set it too"),
        ("WARREN_STREAM", "rabbitmq-stream://mq/", "WARREN_BROKER is missing: set it too"),
        ("WARREN_HTTP_PORT", "99999", "WARREN_HTTP_PORT: input should be less than or equal to 65535"),
        ("WARREN_LEASE", "0.1", "WARREN_LEASE: input should be greater than or equal to 1"),
        ("WARREN_LOG_LEVEL", "loud", "WARREN_LOG_LEVEL: input should be 'debug'"),
        ("WARREN_AUTH", "yes", "WARREN_AUTH: input should be 'required' or 'off'"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_BROKER", "")
    monkeypatch.setenv("WARREN_STORE_ORDERS", "")
    assert load_settings() == Settings()


@pytest.mark.parametrize(("queues", "logs"), [("shop", "shop"), ("", ""), ("/", "%2f")])
def test_broker_and_stream_name_one_virtual_host(queues: str, logs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_BROKER", f"amqp://mq/{queues}")
    monkeypatch.setenv("WARREN_STREAM", f"rabbitmq-stream://mq/{logs}")
    assert not load_settings().embedded


def test_two_virtual_hosts_are_told_apart_before_anything_waits_for_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_BROKER", "amqp://u:hunter2@mq/shop")
    monkeypatch.setenv("WARREN_STREAM", "rabbitmq-stream://u:hunter2@mq/")
    with pytest.raises(SettingsError, match="WARREN_BROKER names the virtual host 'shop', WARREN_STREAM '/'"):
        load_settings()


def test_a_store_of_no_service_is_told_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_STORE_ORDRS", "sqlite:///orders.db")
    settings = load_settings()
    with pytest.raises(SettingsError, match="WARREN_STORE_ORDRS is of no service; did you mean 'ORDERS'"):
        settings.check_services(["orders", "back-office"])


def test_every_service_may_have_a_store_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_STORE_BACK_OFFICE", "sqlite:///office.db")
    load_settings().check_services(["orders", "back-office"])


def test_the_demo_s_settings_heed_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_STORE_ORDERS", "postgresql://db/shop")
    monkeypatch.setenv("WARREN_BROKER", "nonsense")
    settings = embedded_settings(Path("data"))
    assert settings.embedded
    assert settings.store_url("orders").get_secret_value() == "sqlite:///data/orders.db"


def test_networks_of_proxies_stand_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.1")
    assert [str(network) for network in load_settings().trusted_proxies] == ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]


def test_a_network_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_TRUSTED_PROXIES", "10.0.0.0/8,proxy")
    with pytest.raises(SettingsError, match="WARREN_TRUSTED_PROXIES_1"):
        load_settings()


@pytest.mark.parametrize(("given", "missing"), [("CERTIFICATE", "KEY"), ("KEY", "CERTIFICATE")])
def test_a_certificate_goes_with_its_key(given: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"WARREN_HTTP_{given}", "/etc/warren/edge.pem")
    with pytest.raises(SettingsError, match=f"WARREN_HTTP_{missing} is missing"):
        load_settings()


def test_a_secret_of_machines_that_could_be_guessed_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_SERVICE_SECRETS", f"{'x' * 32},hunter2")
    with pytest.raises(SettingsError, match="WARREN_SERVICE_SECRETS: one has fewer than 32 characters") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["WARREN_MAIL_FROM", "WARREN_OPERATORS"])
@pytest.mark.parametrize("address", ["shöp@shop.example", "shop@løcal.example", "shop", "a b@shop.example", "a@b@c"])
def test_an_address_that_no_mail_server_takes_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)
    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_an_address_of_another_script_is_written_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_MAIL_FROM", "shop+orders@xn--lcal-gra.example")
    assert load_settings().mail_from == "shop+orders@xn--lcal-gra.example"
