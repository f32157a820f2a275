"""Where servers come from: Docker, packages, and what is said where there are neither. The programs are fakes."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import debian, docker
from tests.servers.docker import Container
from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.supply import Supply

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes a shell script the only program of that name; what it is called with stands in the file it returns."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "cat", "env", "true"):
        (folder / tool).symlink_to(f"/bin/{tool}" if Path(f"/bin/{tool}").exists() else f"/usr/bin/{tool}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    def make(name: str, script: str) -> Path:
        calls = tmp_path / f"{name}.calls"
        (folder / name).write_text(f'#!/bin/sh\necho "$*" >> {calls}\n{script}\n')
        (folder / name).chmod(0o755)
        return calls

    return make


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.mark.usefixtures("program")
def test_without_a_client_no_engine_answers() -> None:
    assert not docker.answers()


def test_an_engine_that_is_down_does_not_answer(program: Program) -> None:
    program("docker", "exit 1")
    assert not docker.answers()


def test_an_engine_elsewhere_is_not_taken_because_its_ports_are_not_ours(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("docker", "exit 0")
    assert docker.answers()
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker:2375")
    assert not docker.answers()


def test_a_container_is_made_started_stopped_and_removed(program: Program, guard: Guard, tmp_path: Path) -> None:
    calls = program(
        "docker",
        f"""case "$1" in
            create) echo c1 ;;
            inspect) echo true ;;
            cp) cat "$2" > {tmp_path}/copied ;;
        esac""",
    )
    container = Container.create(
        "postgres:17",
        guard,
        ports={20001: 5432},
        environment={"A": "b"},
        files={"/etc/a.conf": "text"},
        arguments=["-c"],
    )
    container.start(lambda: True)
    container.stop()
    container.kill()
    container.remove()
    lines = calls.read_text().splitlines()
    assert "create -p 127.0.0.1:20001:5432 -e A=b postgres:17 -c" in lines
    assert (tmp_path / "copied").read_text() == "text"
    assert [line for line in lines if line.startswith(("start", "stop", "kill", "rm"))] == [
        "start c1",
        "stop -t 30 c1",
        "kill c1",
        "rm --force --volumes c1",
    ]


def test_a_container_of_a_killed_run_is_removed_by_the_guard(program: Program) -> None:
    calls = program("docker", 'case "$1" in create) echo c1 ;; esac')
    guard = Guard()
    Container.create("postgres:17", guard, ports={})
    guard.close()
    assert "rm --force --volumes c1" in calls.read_text().splitlines()


def test_a_container_that_ends_while_it_starts_shows_its_log(program: Program, guard: Guard) -> None:
    program("docker", 'case "$1" in create) echo c1 ;; inspect) echo false ;; logs) echo out of disk ;; esac')
    with pytest.raises(ServerFailed, match="out of disk"):
        Container.create("postgres:17", guard, ports={}).start(lambda: False)


def test_an_image_that_cannot_be_pulled_is_no_server(program: Program) -> None:
    program("docker", 'case "$1" in image) exit 1 ;; pull) echo no route to registry >&2; exit 1 ;; esac')
    with pytest.raises(ServerUnavailable, match="no route to registry"):
        docker.pull("postgres:17")


def test_missing_packages_are_installed_with_the_rights_at_hand(program: Program) -> None:
    program("sudo", 'shift; exec "$@"')
    calls = program("apt-get", "exit 0")
    debian.install(["postgresql"])
    assert calls.read_text().splitlines()[-1].endswith("postgresql")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may install")
def test_without_rights_the_command_to_run_is_told(program: Program) -> None:
    program("sudo", "exit 1")
    program("apt-get", "exit 0")
    with pytest.raises(ServerUnavailable, match="run `sudo apt-get install --yes --no-install-recommends postgresql`"):
        debian.install(["postgresql"])


@pytest.mark.usefixtures("program")
def test_on_other_systems_the_packages_are_named() -> None:
    with pytest.raises(ServerUnavailable, match="install postgresql with this system's package manager"):
        debian.install(["postgresql"])


@pytest.mark.usefixtures("program")
def test_a_machine_with_nothing_is_told_what_it_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.servers.rabbitmq.PLACES", ())
    with Supply({}) as supply, pytest.raises(ServerUnavailable) as caught:
        supply.own_rabbitmq()
    assert "RabbitMQ is not installed" in str(caught.value)
    assert "python -m tests.servers install" in str(caught.value)
    assert "WARREN_TEST_BROKER" in str(caught.value)
