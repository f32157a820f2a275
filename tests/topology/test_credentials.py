import base64
import hashlib
from pathlib import Path

import pytest

from topology.credentials import Password, StoredPassword, from_environment, from_folder, variable
from topology.errors import TopologyError


def _stored(password: str, algorithm: str) -> StoredPassword:
    salt = b"\x01\x02\x03\x04"
    digest = hashlib.new(algorithm, salt + password.encode()).digest()
    return StoredPassword(base64.b64encode(salt + digest).decode(), f"rabbit_password_hashing_{algorithm}")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5"])
def test_a_stored_password_accepts_itself_alone(algorithm: str) -> None:
    stored = _stored("öffne dich", algorithm)
    assert stored.accepts(Password("öffne dich"))
    assert not stored.accepts(Password("open"))


def test_the_hash_of_an_existing_user_is_understood() -> None:
    # RabbitMQ's documentation, "Credentials and Passwords": user `test`, password `test12`, salt 908DC60A.
    stored = StoredPassword("kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "rabbit_password_hashing_sha256")
    assert stored.accepts(Password("test12"))


def test_users_without_a_password_and_unknown_hashes_accept_nothing() -> None:
    assert not StoredPassword("", "rabbit_password_hashing_sha256").accepts(Password(""))
    assert not StoredPassword(_stored("x", "sha256").hash, "rabbit_password_hashing_new").accepts(Password("x"))


def test_neither_passwords_nor_hashes_are_shown() -> None:
    assert "secret" not in repr(Password("secret"))
    stored = _stored("secret", "sha256")
    assert stored.hash not in repr(stored)


def test_the_environment_names_services_in_capitals() -> None:
    assert variable("dead-letters") == "WARREN_PASSWORD_DEAD_LETTERS"
    environ = {"WARREN_PASSWORD_ORDERS": "o", "WARREN_PASSWORD_AUTH": "", "WARREN_PASSWORD_ELSE": "e"}
    assert from_environment(["orders", "auth", "gateway"], environ) == {"orders": Password("o")}


def test_a_folder_holds_a_file_per_service(tmp_path: Path) -> None:
    (tmp_path / "orders").write_text("o r\n", encoding="utf-8")
    (tmp_path / "else").write_text("e", encoding="utf-8")
    assert from_folder(["orders", "auth"], tmp_path) == {"orders": Password("o r")}


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="a file per service"):
        from_folder(["orders"], tmp_path / "secrets")
