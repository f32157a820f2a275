"""What the environment says: addresses of servers, where data lies, how to log. Read once, by composition roots."""

import os
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Secret,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from topology.address import vhost_of
from topology.spec import nearest
from warren.errors import SettingsError

Network = IPv4Network | IPv6Network
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s@]+/?$")]
Mailbox = Annotated[str, StringConstraints(pattern=r"^[!-?A-~]+@[!-?A-~]+$")]
"""Of printable ASCII, which is all that every mail server takes; other domains are written as `xn--…`."""
Origin = Annotated[str, StringConstraints(pattern=r"^(\*|https?://[^/\s]+)$")]

PREFIX = "WARREN_"
SECRET_LENGTH = 32
"""Characters that a secret of machines has, at the least."""
_STORE = f"{PREFIX}STORE_"
# To the last "@", whatever stands between: a password that ought to be percent-encoded is hidden as well.
_PASSWORD = re.compile(r"(?<=://)([^:@/]*):.*@")


class SecretUrl(Secret[str]):
    """A URL that shows no password: `str` and `repr` print `***` for it. `get_secret_value()` gives all of it."""

    def _display(self) -> str:
        return _PASSWORD.sub(r"\1:***@", self.get_secret_value())


def _listed(value: object) -> object:
    """What stands between commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _long(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(secret.get_secret_value()) < SECRET_LENGTH for secret in secrets):
        raise ValueError(f"one has fewer than {SECRET_LENGTH} characters: make one by `openssl rand -hex 32`")
    return secrets


def _scheme(*schemes: str) -> AfterValidator:
    def check(url: SecretUrl) -> SecretUrl:
        if urlsplit(url.get_secret_value()).scheme not in schemes:
            raise ValueError(f"not a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return url

    return AfterValidator(check)


class Settings(BaseSettings):
    """The settings of one process; each field is the variable `WARREN_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    broker: Annotated[SecretUrl, _scheme("amqp", "amqps")] | None = None
    """RabbitMQ, with a virtual host in its path. Without it the embedded broker runs in this process."""
    stream: Annotated[SecretUrl, _scheme("rabbitmq-stream", "rabbitmq-stream+tls")] | None = None
    """RabbitMQ's stream listener; goes with `broker`."""
    management: Annotated[SecretUrl, _scheme("http", "https")] | None = None
    """RabbitMQ's management API, which the topology tool needs."""
    store: SecretUrl | None = None
    """Where services keep their tables. Without it each has a SQLite file under `data`."""
    stores: Mapping[str, SecretUrl] = Field(default_factory=dict)
    """`WARREN_STORE_<SERVICE>`: other places for single services. The keys are as in the variables' names."""
    redis: Annotated[SecretUrl, _scheme("redis", "rediss", "unix")] | None = None
    """Rate limits and caches. Without it they live in this process."""
    provider: Annotated[SecretUrl, _scheme("http", "https")] | None = None
    """The payment provider. Without it a simulated one is in this process, with its book under `data`."""
    seal_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Keys of 32 bytes in base64, separated by commas, that payment tokens are sealed with: the first one seals, all of
    them open. Without any, and without RabbitMQ, there is one in `seal.key` under `data`."""
    traces: Annotated[SecretUrl, _scheme("http", "https")] | None = None
    """The collector of spans (OTLP over HTTP), `http://collector:4318/v1/traces`. Without it there are none. Needs
    `warren[tracing]`."""
    trace_share: float = Field(default=1.0, ge=0, le=1)
    """How many of the requests that come without a trace begin one."""
    smtp: Annotated[SecretUrl, _scheme("smtp", "smtp+starttls", "smtps")] | None = None
    """The mail server. Without it mails are files in `outbox` under `data`, as is all that has no way out."""
    sms: Annotated[SecretUrl, _scheme("http", "https")] | None = None
    """The webhook that sends SMS."""
    push: Annotated[SecretUrl, _scheme("http", "https")] | None = None
    """The webhook that sends push messages."""
    mail_from: Mailbox = "shop@localhost"
    """The address that mails come from."""
    operators: Mailbox | None = None
    """The address of the shop's own people, who are told what they have to look after."""
    data: Path = Path(".warren")
    """Where the embedded broker and SQLite keep their files."""
    lease: float = Field(default=10.0, ge=1, le=600)
    """Seconds after which a worker that is not heard of has lost its partitions to others."""
    hold: float = Field(default=900.0, ge=1, le=604_800)
    """Seconds for which stock is held for an order that is not paid yet."""
    patience: float = Field(default=30.0, ge=1, le=604_800)
    """Seconds that an order waits for an answer of the inventory or of payments before it asks what became of it, or is
    rejected."""
    low_stock: int = Field(default=5, ge=0)
    """A product with fewer pieces available is told to be low."""
    auth: Literal["required", "off"] = "required"
    """Whether endpoints beside accounts ask who is calling; accounts themselves always do."""
    rate_limit: int = Field(default=100, ge=0)
    """Requests under /api/ that one client may send in any minute; 0: any number."""
    replicas: int = Field(default=1, ge=1)
    """How many processes serve the edge: each admits its part of the rates while Redis does not answer."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Networks of our own proxies, separated by commas: their X-Forwarded-For is believed."""
    cors_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Whose pages may call the edge from browsers, separated by commas: https://shop.example, or *."""
    upstream_auth: Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_listed)] = ()
    upstream_orders: Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_listed)] = ()
    upstream_analytics: Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Processes of `warren api --service …`, separated by commas, to which the edge hands on what they serve."""
    upstream_patience: float = Field(default=60.0, ge=1, le=600)
    """Seconds within which such a process begins to answer, or has failed. Orders may take the 30 of `Prefer: wait`."""
    service_secrets: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_long)] = ()
    """What the gateway of a split edge shows to auth, separated by commas: it shows the first one, auth takes any."""
    issuer: str = Field(default="warren", min_length=1, max_length=200)
    """Stands in access tokens as who has made them; tokens of another issuer do not count."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    """`auto` is console on a terminal, else JSON."""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65_535)
    """0 takes any free port."""
    http_certificate: Path | None = None
    """The edge's certificate (PEM, its authorities' after it): with it, it is served by HTTPS alone."""
    http_key: Path | None = None
    """The certificate's private key (PEM, without a password)."""

    @model_validator(mode="after")
    def _broker_and_stream_together(self) -> Self:
        if self.broker and not self.stream:
            raise ValueError(f"{PREFIX}STREAM is missing: set it too, as in rabbitmq-stream://user:password@host:5552/")
        if self.stream and not self.broker:
            raise ValueError(f"{PREFIX}BROKER is missing: set it too, as in amqp://user:password@host:5672/")
        return self

    @model_validator(mode="after")
    def _certificate_and_key_together(self) -> Self:
        if bool(self.http_certificate) != bool(self.http_key):
            missing = "HTTP_KEY" if self.http_certificate else "HTTP_CERTIFICATE"
            raise ValueError(f"{PREFIX}{missing} is missing: a certificate and its key go together")
        return self

    @model_validator(mode="after")
    def _one_virtual_host(self) -> Self:
        if self.broker and self.stream:
            queues, logs = (vhost_of(url.get_secret_value()) for url in (self.broker, self.stream))
            if queues != logs:
                raise ValueError(
                    f"{PREFIX}BROKER names the virtual host {queues!r}, {PREFIX}STREAM {logs!r}: make them one"
                )
        return self

    @property
    def embedded(self) -> bool:
        """Whether the broker runs in this process."""
        return self.broker is None

    @property
    def upstreams(self) -> dict[str, tuple[str, ...]]:
        """Service -> the processes that serve its part of the edge."""
        return {"auth": self.upstream_auth, "orders": self.upstream_orders, "analytics": self.upstream_analytics}

    def store_url(self, service: str) -> SecretUrl:
        """Where a service keeps its tables: its own variable, else `WARREN_STORE`, else a SQLite file under `data`."""
        own = self.stores.get(_variable_part(service))
        return own or self.store or SecretUrl(f"sqlite:///{self.data / service}.db")

    def check_services(self, known: Iterable[str]) -> None:
        """Raises SettingsError where a `WARREN_STORE_<SERVICE>` is of none of these services."""
        names = sorted(_variable_part(service) for service in known)
        for name in self.stores:
            if name not in names:
                hint = nearest(name, names) or f": services are {', '.join(names)}"
                raise SettingsError(f"{_STORE}{name} is of no service{hint}")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _ServiceStores(settings_cls), env_settings


class _ServiceStores(PydanticBaseSettingsSource):
    """Gathers `WARREN_STORE_<SERVICE>` into `stores`: the names of services are not known here."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, dict[str, str]]:
        own = {name: url for name, url in os.environ.items() if name.startswith(_STORE) and url}
        return {"stores": {name.removeprefix(_STORE): url for name, url in own.items()}}


def _variable_part(service: str) -> str:
    return service.upper().replace("-", "_")


def embedded_settings(data: Path) -> Settings:
    """Everything in this process and under `data`, whatever the environment says.

    Without a rate limit, as all shoppers come from one address; nobody is asked who they are, as only this machine can
    reach it.
    """
    return Settings.model_construct(data=data, rate_limit=0, auth="off")


def load_settings() -> Settings:
    """Read the environment. Raises SettingsError, which names the variables and what is wrong with them."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [_sentence(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False)]
        # Not `from error`: it carries the values, and they may be secrets.
        raise SettingsError("; ".join(faults)) from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    if not location:
        return text
    name = "_".join("STORE" if part == "stores" else str(part).upper() for part in location)
    return f"{PREFIX}{name}: {text[0].lower()}{text[1:]}"
