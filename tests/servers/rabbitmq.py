"""RabbitMQ from the machine's own packages."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.servers.account import Account, account, private_directory, remove_directory
from tests.servers.address import local_rabbitmq
from tests.servers.errors import ServerFailed, ServerUnavailable
from tests.servers.guard import Guard
from tests.servers.management import answers
from tests.servers.ports import free_ports, listens
from tests.servers.process import Process
from tests.servers.server import RabbitMQServer

PLUGINS = "[rabbitmq_management,rabbitmq_prometheus,rabbitmq_stream].\n"

# Debian's /usr/sbin/rabbitmq-server is a wrapper that changes user and logs to the system's files.
PLACES = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin")


def find_rabbitmq() -> Path:
    """The start script of RabbitMQ on this machine. Raises ServerUnavailable."""
    found = shutil.which("rabbitmq-server", path=":".join(PLACES)) or shutil.which("rabbitmq-server")
    if found is None:
        raise ServerUnavailable("RabbitMQ is not installed")
    if shutil.which("epmd") is None:
        raise ServerUnavailable("Erlang's epmd is not installed")
    return Path(found)


class Installation:
    """RabbitMQ as it is installed on this machine."""

    def __init__(self) -> None:
        """Raises ServerUnavailable where it is not."""
        self.scripts = find_rabbitmq().parent
        self.epmd = shutil.which("epmd") or "epmd"
        self.owner = account("rabbitmq")
        self.starter = self.owner
        """Who starts the commands; they change to `owner` themselves where that is another."""

    def directory(self) -> Path:
        """A new private directory that the node can see."""
        return private_directory("rabbitmq", self.owner)

    def seen(self, path: Path) -> Path:
        """How the node sees a path."""
        return path

    def command(self, *command: str) -> list[str]:
        """How to run a command of the installation."""
        return list(command)


class NativeRabbitMQ(RabbitMQServer):
    """A node of its own name, with its own epmd, on ports of its own on 127.0.0.1."""

    def __init__(self, guard: Guard, installation: Installation | None = None) -> None:
        """Raises ServerUnavailable where RabbitMQ is not installed. Does not start it yet."""
        self._installed = installed = installation or Installation()
        self._guard = guard
        owner = installed.owner
        self._directory = installed.directory()
        guard.watch_directory(self._directory)
        amqp, stream, management, prometheus, self._epmd_port, dist = free_ports(6)
        self.address = local_rabbitmq(amqp, stream, management)
        self._ports = (amqp, stream)
        self._write("rabbitmq.conf", configuration("127.0.0.1", amqp, stream, management, prometheus), owner)
        self._write("enabled_plugins", PLUGINS, owner)
        self._settings = self._environment(dist)
        self._epmd = self._process(installed.epmd)
        self._node = self._process(str(installed.scripts / "rabbitmq-server"))

    def _process(self, program: str) -> Process:
        command = self._installed.command(program)
        starter = self._installed.starter
        return Process(command, self._settings, self._directory, starter, signal.SIGTERM, self._guard)

    def _write(self, name: str, text: str, owner: Account) -> None:
        path = self._directory / name
        path.write_text(text)
        owner.own(path)

    def _environment(self, dist_port: int) -> dict[str, str]:
        base = self._installed.seen(self._directory)
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin",
            "LANG": "C.UTF-8",
            "HOME": str(base),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"{base.name}@localhost",
            "RABBITMQ_DIST_PORT": str(dist_port),
            "RABBITMQ_BASE": str(base),
            "RABBITMQ_MNESIA_BASE": str(base / "data"),
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(base / "config"),
            "RABBITMQ_SCHEMA_DIR": str(base / "schema"),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(base / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(base / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # The start script then becomes the node instead of waiting for it, so that signals reach the node itself.
            "RABBITMQ_ALLOW_INPUT": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def start(self) -> None:
        # The node would start an epmd that outlives it.
        self._epmd.start(lambda: listens(self._epmd_port))
        self._node.start(self._ready)

    def _ready(self) -> bool:
        return all(listens(port) for port in self._ports) and answers(self.address)

    def stop(self) -> None:
        self._node.stop()
        self._epmd.stop()

    def kill(self) -> None:
        self._node.kill()
        self._epmd.kill()

    def control(self, *arguments: str) -> None:
        command = self._installed.command(str(self._installed.scripts / "rabbitmqctl"), *arguments)
        starter = self._installed.starter
        ended = subprocess.run(
            command,
            env=self._settings,
            cwd=self._directory,
            check=False,
            capture_output=True,
            text=True,
            user=starter.uid,
            group=starter.gid,
            extra_groups=[] if os.geteuid() == 0 else None,
        )
        if ended.returncode:
            raise ServerFailed(f"rabbitmqctl {' '.join(arguments)} failed:\n{ended.stdout}{ended.stderr}")

    def close(self) -> None:
        self.kill()
        remove_directory(self._directory)
        self._guard.forget_directory(self._directory)


def configuration(host: str, amqp: int, stream: int, management: int, prometheus: int) -> str:
    """The text of rabbitmq.conf: everything on one interface, clients are told to find streams at 127.0.0.1."""
    return f"""\
listeners.tcp.1 = {host}:{amqp}
stream.listeners.tcp.1 = {host}:{stream}
stream.advertised_host = 127.0.0.1
stream.advertised_port = {stream}
management.tcp.ip = {host}
management.tcp.port = {management}
prometheus.tcp.ip = {host}
prometheus.tcp.port = {prometheus}
loopback_users = none
"""
