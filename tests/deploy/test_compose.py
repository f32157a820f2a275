"""The compose file is valid and fits the project: its services, settings and versions."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from agents.registry import AGENTS
from tests.servers.containers import POSTGRES_IMAGE, RABBITMQ_IMAGE
from tests.servers.rabbitmq import PLUGINS
from tests.servers.server import PostgresServer
from warren.settings import PREFIX, Settings
from warren.split import GATEWAY, share_of, takes_orders

SECRET = "hunter2" * 5
ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVERS = {"rabbitmq", "postgres", "redis", "mongodb"}
JOBS = {"topology", "stores"}
PARTS = {"auth": "edge-auth", "orders": "edge-orders", "analytics": "edge-analytics", GATEWAY: GATEWAY}
"""Part of the edge -> its service."""
DECLARED = {"shared", *(path.stem for path in (ROOT / "topology/shop").glob("*.yaml"))}


def test_it_follows_the_compose_specification() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    checked = subprocess.run([sys.executable, *command], cwd=ROOT, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_every_service_that_has_agents_runs_and_nothing_else_does() -> None:
    workers = set(AGENTS) - {"gateway"}  # which is the edge itself
    assert set(SERVICES) - SERVERS - JOBS - {"api", "provider", *PARTS.values()} == workers
    for service in workers:
        assert SERVICES[service]["command"][:2] == ["worker", service]


def test_servers_run_by_themselves_and_the_shop_on_demand() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == SERVERS


def test_the_edge_is_one_process_or_in_parts_and_never_both() -> None:
    profiles = {name: set(service["profiles"]) for name, service in SERVICES.items() if name not in SERVERS}
    assert profiles.pop("api") == {"app"}
    for name in PARTS.values():
        assert profiles.pop(name) == {"split"}
    assert all(wanted == {"app", "split"} for wanted in profiles.values())


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_edge_has_what_it_needs_and_no_more(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES[PARTS[part]]
    assert service["command"] == ["api", "--service", part]
    for variable, value in service["environment"].items():
        monkeypatch.setenv(variable, re.sub(r"\$\{.*?\}", SECRET, value))
    settings = Settings()
    share = share_of(part, settings)
    stores = {f"{PREFIX}STORE_{name.upper()}" for name in share.services}
    assert stores == {variable for variable in service["environment"] if variable.startswith(f"{PREFIX}STORE_")}
    assert bool(settings.seal_keys) == takes_orders(share.settings, share.routers)
    assert bool(settings.service_secrets) == (part in {"auth", GATEWAY})
    assert bool(service.get("ports")) == (part == GATEWAY), "nobody comes past the gateway"
    for urls in settings.upstreams.values():
        assert {f"http://{name}:8000" for name in PARTS.values()} >= {*urls}


def test_each_database_has_its_password_from_the_environment() -> None:
    script = (ROOT / "deploy/postgres/services.sh").read_text()
    (names,) = re.findall(r"for service in (.*); do", script)
    passwords = {f"{PREFIX}PASSWORD_{name.upper()}" for name in names.split()}
    assert passwords <= set(SERVICES["postgres"]["environment"])


@pytest.mark.parametrize("name", SERVICES)
def test_dependencies_exist_and_can_be_waited_for(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - JOBS))
def test_everything_that_stays_has_a_health_check_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


def test_servers_keep_their_data_in_volumes() -> None:
    named = {volume.partition(":")[0] for name in SERVERS for volume in SERVICES[name]["volumes"]}
    assert {volume for volume in named if not volume.startswith(".")} == set(COMPOSE["volumes"])
    assert all((ROOT / path).exists() for path in named if path.startswith("."))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - SERVERS))
def test_the_shop_s_variables_are_settings_that_load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    stores = {f"{PREFIX}STORE_{service.upper()}" for service in DECLARED}
    passwords = {f"{PREFIX}PASSWORD_{service.upper()}" for service in DECLARED}
    environment = SERVICES[name]["environment"]
    assert set(environment) <= fields | stores | passwords
    for variable, value in environment.items():
        monkeypatch.setenv(variable, re.sub(r"\$\{.*?\}", SECRET, value))
    assert SECRET not in repr(Settings())


def test_every_secret_is_in_the_example_and_none_has_a_value_in_the_repository() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / "deploy/example.env").read_text()
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == used
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    assert required == used


def test_versions_and_plug_ins_are_those_of_the_tests_and_of_make() -> None:
    assert SERVICES["rabbitmq"]["image"] == RABBITMQ_IMAGE
    assert SERVICES["postgres"]["image"] == POSTGRES_IMAGE
    assert (ROOT / "deploy/rabbitmq/enabled_plugins").read_text() == PLUGINS
    makefile, dockerfile = (ROOT / "Makefile").read_text(), (ROOT / "deploy/Dockerfile").read_text()
    (pinned,) = re.findall(r"^UV_VERSION := (.*)$", makefile, re.MULTILINE)
    assert f" uv=={pinned}\n" in dockerfile


def test_the_image_holds_every_package() -> None:
    dockerfile, ignored = (ROOT / "deploy/Dockerfile").read_text(), (ROOT / ".dockerignore").read_text()
    for package in ("warren", "api", "agents", "streams", "stores", "topology"):
        assert f"COPY {package} {package}\n" in dockerfile
        assert f"!{package}\n" in ignored


@pytest.mark.skipif(shutil.which("psql") is None, reason="needs psql: install PostgreSQL's client")
async def test_each_service_has_a_database_that_others_cannot_enter(own_postgres: PostgresServer) -> None:
    services = ("auth", "orders", "inventory", "payments", "notifications", "analytics", "gateway", "shared")
    server = own_postgres.url.rpartition("/")[0].replace("warren@", "{}@") + "/{}"
    _run_script(own_postgres.url, {f"WARREN_PASSWORD_{name.upper()}": f"it's {name}" for name in services})
    for service in services:
        connection = await asyncpg.connect(server.format(service, service))
        await connection.execute("CREATE SCHEMA own")
        await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(server.format("orders", "payments"))


def _run_script(url: str, passwords: dict[str, str]) -> None:
    host, port = url.rpartition("@")[2].partition("/")[0].split(":")
    address = {"PGHOST": host, "PGPORT": port, "POSTGRES_USER": "warren"}
    subprocess.run(
        ["sh", str(ROOT / "deploy/postgres/services.sh")], check=True, env={**os.environ, **address, **passwords}
    )
