"""What a broker holds, as values: the same ones for what a topology wants and for what is observed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from topology.credentials import Password, StoredPassword
from topology.spec import Arguments


@dataclass(frozen=True, slots=True)
class ExchangeState:
    """An exchange as it stands on the broker."""

    name: str
    type: str
    arguments: Arguments = ()
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False

    @property
    def kind(self) -> str:
        return "exchange"

    @property
    def detail(self) -> str:
        return _listed(("", self.type), *self.arguments)


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue or stream as it stands on the broker."""

    name: str
    arguments: Arguments
    durable: bool = True
    auto_delete: bool = False
    messages: int | None = field(default=None, compare=False)
    """None where it is not known: statistics of the management plugin are up to 10 s old, or off."""
    policy: str | None = field(default=None, compare=False)
    """The policy in force, where one is."""

    @property
    def kind(self) -> str:
        return "log" if ("x-queue-type", "stream") in self.arguments else "queue"

    @property
    def detail(self) -> str:
        return _listed(*((name, value) for name, value in self.arguments if name not in _THE_SAME_EVERYWHERE and value))


@dataclass(frozen=True, slots=True)
class BindingState:
    """A binding as it stands on the broker."""

    exchange: str
    destination: str
    key: str
    arguments: Arguments = ()
    destination_type: Literal["queue", "exchange"] = "queue"
    properties_key: str = field(default="", compare=False)
    """The name that RabbitMQ gives to a binding, by which it is removed."""

    @property
    def kind(self) -> str:
        return "binding"

    @property
    def name(self) -> str:
        return f"{self.exchange} → {self.destination}"

    @property
    def detail(self) -> str:
        return _listed(("", self.key or '""'), *self.arguments)


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings of logs that can be changed while they hold messages, unlike arguments."""

    name: str
    pattern: str
    definition: Arguments
    priority: int = 10
    apply_to: str = "queues"

    @property
    def kind(self) -> str:
        return "policy"

    @property
    def detail(self) -> str:
        return _listed(*self.definition)


@dataclass(frozen=True, slots=True)
class Account:
    """A user that is to have this password."""

    name: str
    password: Password
    tags: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return "user"

    @property
    def detail(self) -> str:
        return "password"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do in the vhost, as regular expressions over the names of exchanges and queues."""

    name: str
    configure: str
    write: str
    read: str

    @property
    def kind(self) -> str:
        return "permissions"

    @property
    def detail(self) -> str:
        return _listed(("configure", self.configure), ("write", self.write), ("read", self.read))


@dataclass(frozen=True, slots=True)
class TopicPermission:
    """Which routing keys a user may publish to a topic exchange, and bind, as regular expressions."""

    name: str
    exchange: str
    write: str
    read: str

    @property
    def kind(self) -> str:
        return "topic permission"

    @property
    def detail(self) -> str:
        return _listed(("exchange", self.exchange), ("write", self.write), ("read", self.read))


Subject = ExchangeState | QueueState | BindingState | Policy | Account | Permissions | TopicPermission


@dataclass(frozen=True)
class Observed:
    """A vhost as it was found, and the users of the broker where they were looked at."""

    exchanges: Mapping[str, ExchangeState] = field(default_factory=dict)
    queues: Mapping[str, QueueState] = field(default_factory=dict)
    bindings: frozenset[BindingState] = frozenset()
    """Without those of the default exchange, which every queue has."""
    policies: Mapping[str, Policy] = field(default_factory=dict)
    users: Mapping[str, StoredPassword] = field(default_factory=dict)
    permissions: Mapping[str, Permissions] = field(default_factory=dict)
    topic_permissions: Mapping[tuple[str, str], TopicPermission] = field(default_factory=dict)
    """By user and exchange."""


_THE_SAME_EVERYWHERE = {"x-queue-type", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-overflow"}


def in_order(bindings: Iterable[BindingState]) -> list[BindingState]:
    """Bindings in an order that is always the same."""
    return sorted(bindings, key=lambda b: (b.exchange, b.destination, b.key, str(b.arguments)))


def _listed(*pairs: tuple[str, object]) -> str:
    return ", ".join(f"{name} {value}".strip() for name, value in pairs)
