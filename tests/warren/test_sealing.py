"""Where the keys that payment tokens are sealed with come from."""

import stat
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from warren.errors import SettingsError
from warren.sealing import KEY_FILE, seal_keys
from warren.settings import Settings, embedded_settings, load_settings

KEYS = [bytes(range(32)), bytes(range(32, 64))]
TEXT = ", ".join(b64encode(key).decode() for key in KEYS)
SERVERS = {"WARREN_BROKER": "amqp://mq/", "WARREN_STREAM": "rabbitmq-stream://mq/"}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WARREN_{name.upper()}", raising=False)


def test_the_settings_keys_count_in_their_order_and_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_SEAL_KEYS", TEXT)
    settings = load_settings()
    assert seal_keys(settings) == KEYS
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert not any(key.strip() in shown for key in TEXT.split(","))


def test_without_servers_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        (first, *others) = pool.map(lambda _: tuple(seal_keys(settings)), range(16))
    assert set(others) == {first}
    assert [file.name for file in (tmp_path / "data").iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((tmp_path / "data" / KEY_FILE).stat().st_mode) == 0o600


def test_with_servers_a_key_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="WARREN_SEAL_KEYS is missing"):
        seal_keys(load_settings())


def test_a_key_that_is_none_is_told_by_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_SEAL_KEYS", "hunter2")
    with pytest.raises(SettingsError, match="WARREN_SEAL_KEYS") as error:
        seal_keys(load_settings())
    assert "hunter2" not in str(error.value)


def test_a_key_file_that_is_damaged_or_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"half a key")
    with pytest.raises(SettingsError, match=KEY_FILE):
        seal_keys(embedded_settings(tmp_path))
    with pytest.raises(SettingsError, match="WARREN_DATA"):
        seal_keys(embedded_settings(tmp_path / KEY_FILE / "below a file"))
