"""What leaves a process can leave it by TLS: to servers that an authority of ours vouches for, and to no others.

Before servers that do not speak TLS here stands a proxy that does.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect

from agents.auth.database import open_database
from agents.notifications.carriers.port import Letter, Receipt, Result
from agents.notifications.carriers.smtp import SmtpCarrier
from agents.notifications.carriers.webhook import WebhookCarrier
from agents.payments.provider.client import HttpProvider
from agents.payments.provider.port import Authorize, Outcome
from agents.payments.provider.service import Service
from agents.payments.provider.simulator import Simulator
from api.app import create_app
from api.endpoints import OPERATIONS
from api.gateway import Gateway
from api.server import serve
from api.upstreams import Upstream, client
from stores.errors import SchemaMissing, StoreRefused, StoreUnavailable
from stores.redis import RedisStore
from stores.urls import open_store
from streams.errors import BrokerUnavailable
from streams.rabbitmq import RabbitMQ
from tests.agents.notifications.test_smtp import Postbox, serving
from tests.api.shop import open_shop
from tests.mongo_wire import standalone
from tests.servers.address import RabbitMQ as Server
from tests.tls import HOST, SSL_REQUEST, Authority, terminating
from warren.errors import SettingsError
from warren.serving import running
from warren.settings import embedded_settings

LETTER = Letter("1:a:email:9", "hazel@example.org", "Paid", "text", "<p>", "short", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Trusted by this process."""
    (tmp_path / "authority").mkdir()
    trusted = Authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
    return trusted


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Trusted by nobody."""
    (tmp_path / "stranger").mkdir()
    return Authority(tmp_path / "stranger")


def at(url: str, port: int, scheme: str, query: str = "") -> str:
    """The same server, by another port of this machine and another scheme."""
    parts = urlsplit(url)
    user, by, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(scheme=scheme, netloc=f"{user}{by}{HOST}:{port}", query=query))


async def secured(stack: AsyncExitStack, url: str, context: ssl.SSLContext, after: bytes = b"") -> int:
    """A port where the server of this URL is reached by TLS."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return await stack.enter_async_context(terminating(parts.hostname, parts.port, context, after=after))


# --- the edge itself ---


async def test_the_edge_is_served_by_https_where_the_settings_name_a_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    chain, key = authority.certificate()
    settings = embedded_settings(tmp_path / "data").model_copy(update={"http_certificate": chain, "http_key": key})
    served = running(settings, services=["gateway"], agents=False, address=(HOST, 0), routers=OPERATIONS)
    async with served as url, client() as http:
        assert url.startswith("https://")
        answer = await http.get(f"{url}/healthz")
        assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")
        with pytest.raises(httpx.TransportError):
            await http.get(f"{url.replace('https', 'http')}/healthz")


async def test_files_that_are_no_certificate_and_key_are_told(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path / "data").model_copy(
        update={"http_certificate": Path("/nowhere.pem"), "http_key": Path("/nowhere.key")}
    )
    served = running(settings, services=["gateway"], agents=False, address=(HOST, 0), routers=OPERATIONS)
    with pytest.raises(SettingsError, match=r"/nowhere\.key are no certificate and its key .* WARREN_HTTP_CERTIFICATE"):
        async with served:
            pass


async def test_a_gateway_hands_requests_and_websockets_on_by_tls(authority: Authority) -> None:
    async with AsyncExitStack() as stack:
        behind = create_app((await stack.enter_async_context(open_shop())).edge)
        port = await stack.enter_async_context(serve(behind, HOST, 0, grace=1, certificate=authority.certificate()))
        connections = await stack.enter_async_context(client())
        upstream = Upstream("analytics", [f"https://{HOST}:{port}"], connections, lambda: 0.0)
        gateway = Gateway(upstreams={"/api/analytics": upstream})
        front = await stack.enter_async_context(open_shop(gateway=gateway))
        assert (await front.client.get("/api/analytics/funnel")).status_code == 200
        public = await stack.enter_async_context(serve(create_app(front.edge), HOST, 0, grace=1))
        async with connect(f"ws://{HOST}:{public}/api/analytics/live", proxy=None) as socket:
            assert "snapshot" in str(await asyncio.wait_for(socket.recv(), 30))


# --- servers ---


async def test_the_broker_is_reached_by_tls_in_both_protocols(
    authority: Authority, stranger: Authority, rabbitmq_vhost: Server
) -> None:
    async with AsyncExitStack() as stack:
        own, foreign = authority.certificate().context(), stranger.certificate().context()
        amqp = await secured(stack, rabbitmq_vhost.amqp, own)
        stream = await secured(stack, rabbitmq_vhost.stream, own)
        amqps, streams = (
            at(rabbitmq_vhost.amqp, amqp, "amqps"),
            at(rabbitmq_vhost.stream, stream, "rabbitmq-stream+tls"),
        )
        broker = RabbitMQ(amqps, streams)
        stack.push_async_callback(broker.close)
        await broker.open()
        assert broker.health().state == "connected"
        for wrong in ("amqp", "stream"):
            plain = rabbitmq_vhost.amqp if wrong == "amqp" else rabbitmq_vhost.stream
            port = await secured(stack, plain, foreign)
            refused = RabbitMQ(
                at(amqps, port, "amqps") if wrong == "amqp" else amqps,
                at(streams, port, "rabbitmq-stream+tls") if wrong == "stream" else streams,
            )
            stack.push_async_callback(refused.close)
            with pytest.raises(BrokerUnavailable):
                await refused.open()


async def test_stores_and_accounts_in_postgresql_are_reached_by_tls(
    authority: Authority, stranger: Authority, postgres: str, postgres_schema: str
) -> None:
    async with AsyncExitStack() as stack:
        port = await secured(stack, postgres, authority.certificate().context(), SSL_REQUEST)
        url = at(postgres, port, "postgresql", f"sslmode=verify-full&sslrootcert={authority.file}")
        store = open_store(url, postgres_schema)
        await store.open()
        stack.push_async_callback(store.close)
        database = open_database(url, postgres_schema)
        stack.push_async_callback(database.close)
        async with database.connection() as connection:
            assert connection.dialect.name == "postgresql"
        port = await secured(stack, postgres, stranger.certificate().context(), SSL_REQUEST)
        refused = open_store(at(url, port, "postgresql", urlsplit(url).query), postgres_schema)
        stack.push_async_callback(refused.close)
        with pytest.raises((StoreUnavailable, ssl.SSLError, asyncpg.PostgresError)):
            await refused.open()


async def test_redis_is_reached_by_tls(
    authority: Authority, stranger: Authority, redis: str, redis_service: str
) -> None:
    async with AsyncExitStack() as stack:
        for issuer, trusted in ((authority, True), (stranger, False)):
            port = await secured(stack, redis, issuer.certificate().context())
            store = RedisStore.from_url(at(redis, port, "rediss"), redis_service, 10.0)
            stack.push_async_callback(store.close)
            with pytest.raises(SchemaMissing if trusted else StoreUnavailable):
                await asked(store)


@pytest.mark.usefixtures("pymongo_sockets")
async def test_mongodb_is_reached_by_tls(authority: Authority, stranger: Authority) -> None:
    """By one that answers as a MongoDB that cannot be used: to get so far takes TLS."""
    for issuer, lease, refusal in (
        (authority, 30, pytest.raises(StoreRefused, match="replica set")),
        (stranger, 1, pytest.raises(StoreUnavailable)),
    ):
        listener = await asyncio.start_server(standalone, HOST, 0, ssl=issuer.certificate().context())
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            store = open_store(f"mongodb://{HOST}:{port}/?tls=true&tlsCAFile={authority.file}", "orders", lease=lease)
            with refusal:
                await store.open()
            await store.close()


async def asked(store: RedisStore) -> None:
    """A question that gets as far as to the server."""
    await store.open()
    await store.read("nothing", ["x"])


# --- those outside ---


async def charged(url: str) -> bool:
    provider = HttpProvider(url, timeout=30)
    answer = await provider.ask("1:authorize", Authorize("tok_ok", Decimal(10), "EUR"))
    await provider.close()
    return answer.outcome is Outcome.DONE


async def texted(url: str) -> bool:
    carrier = WebhookCarrier(f"{url}/healthz", patience=30)
    receipt = await carrier.send(LETTER)
    await carrier.close()
    return receipt.reason != "unreachable"


@pytest.mark.parametrize("ask", [charged, texted])
async def test_provider_and_webhooks_are_reached_by_tls(
    ask: Callable[[str], Awaitable[bool]], authority: Authority, stranger: Authority
) -> None:
    app = Service(Simulator()).app()
    for issuer, trusted in ((authority, True), (stranger, False)):
        async with serve(app, HOST, 0, grace=1, certificate=issuer.certificate()) as port:
            assert await ask(f"https://{HOST}:{port}") is trusted


async def test_mail_is_sent_by_tls(authority: Authority, stranger: Authority) -> None:
    for issuer, result in ((authority, Result.SENT), (stranger, Result.NOT_SENT)):
        listener = await asyncio.start_server(_take_mail, HOST, 0, ssl=issuer.certificate().context())
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            assert (await mailed(f"smtps://{HOST}:{port}")).result is result


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")  # aiosmtpd's
async def test_mail_is_sent_by_starttls_and_without_it_not_at_all(authority: Authority, stranger: Authority) -> None:
    for context, result in (
        (authority.certificate().context(), Result.SENT),
        (stranger.certificate().context(), Result.NOT_SENT),
        (None, Result.NOT_SENT),  # whoever stands between may have taken the offer of STARTTLS out
    ):
        postbox = Postbox()
        async with serving(postbox, tls_context=context, require_starttls=context is not None) as address:
            receipt = await mailed(f"smtp+starttls://{address}")
        assert (receipt.result, len(postbox.mails)) == (result, int(result is Result.SENT)), receipt


async def mailed(url: str) -> Receipt:
    carrier = SmtpCarrier(url, "shop@example.com", patience=30)
    receipt = await carrier.send(LETTER)
    await carrier.close()
    return receipt


async def _take_mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As little of SMTP (RFC 5321) as a mail needs."""
    writer.write(b"220 here\r\n")
    with suppress(OSError):
        while line := await reader.readline():
            command = line[:4].upper()
            writer.write(b"354 go on\r\n" if command == b"DATA" else b"250 well\r\n")
            if command == b"DATA":
                while (await reader.readline()) not in {b".\r\n", b""}:
                    pass
                writer.write(b"250 kept\r\n")
    writer.close()
