"""The client over real HTTP: with the simulator as a service, and with servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal

import httpx
import pytest

from agents.payments.provider.client import HttpProvider
from agents.payments.provider.port import Authorize, Capture, Outcome, ProviderMisused, Refund, Void
from agents.payments.provider.service import Service
from agents.payments.provider.simulator import Simulator
from api.server import serve
from streams.breaker import Breaker, Limits

PATIENT = 2.0
"""Seconds within which a request surely comes to a service, which does not answer."""
TEN = Decimal("10.00")
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def charge(token: str = "tok_ok") -> Authorize:
    return Authorize(token, TEN, "EUR")


@asynccontextmanager
async def asking(url: str, *, patience: float = 30.0, limits: Limits | None = None) -> AsyncIterator[HttpProvider]:
    provider = HttpProvider(url, timeout=patience, breaker=Breaker(limits))
    try:
        yield provider
    finally:
        await provider.close()


@pytest.fixture
async def service() -> AsyncIterator[str]:
    async with serve(Service(Simulator()).app(), "127.0.0.1", 0, grace=1) as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def answering(answer: Answering) -> AsyncIterator[str]:
    """A server that answers like this, once a request has come."""

    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(talk(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.wait(talks, timeout=10)


def saying(text: bytes) -> Answering:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return say


async def test_money_is_authorized_captured_refunded_and_looked_up(service: str) -> None:
    async with asking(service) as provider:
        authorized = await provider.ask("1:authorize", charge())
        assert authorized.outcome is Outcome.DONE
        reference = authorized.reference or ""
        assert (await provider.look_up("1:capture")).outcome is Outcome.ABSENT
        for _ in range(2):
            assert (await provider.ask("1:capture", Capture(reference, TEN))).outcome is Outcome.DONE
        assert (await provider.look_up("1:capture")).outcome is Outcome.DONE
        refund = await provider.ask("1:refund:a", Refund(reference, Decimal("10.01")))
        assert (refund.outcome, refund.code) == (Outcome.REFUSED, "amount_too_large")
        assert (await provider.ask("1:void", Void("1:authorize"))).code == "already_captured"


async def test_a_refusal_is_an_answer_and_a_mistake_of_ours_is_not(service: str) -> None:
    async with asking(service) as provider:
        assert (await provider.ask("1:authorize", charge("tok_decline"))).code == "card_declined"
        with pytest.raises(ProviderMisused, match="409"):
            await provider.ask("1:authorize", charge())
        with pytest.raises(ProviderMisused, match="400"):
            await provider.ask("", charge())


async def test_a_provider_that_is_out_of_order_is_unknown_and_works_later(service: str) -> None:
    async with asking(service) as provider:
        answers = [await provider.ask("1:authorize", charge("tok_flaky")) for _ in range(3)]
    assert [answer.code for answer in answers] == ["unavailable", "unavailable", None]


async def test_a_lost_answer_is_unknown_and_found_by_asking_again(service: str) -> None:
    async with asking(service, patience=PATIENT) as provider:
        assert (await provider.ask("1:authorize", charge("tok_lost"))).code == "timeout"
    async with asking(service) as provider:
        assert (await provider.look_up("1:authorize")).outcome is Outcome.DONE
        assert (await provider.ask("1:authorize", charge("tok_lost"))).outcome is Outcome.DONE


async def test_a_provider_that_hangs_is_given_up(service: str) -> None:
    async with asking(service, patience=0.3) as provider:
        assert (await provider.ask("1:authorize", charge("tok_hang"))).code == "timeout"
    async with asking(service) as provider:
        assert (await provider.look_up("1:authorize")).outcome is Outcome.ABSENT


async def test_nobody_there_is_unknown() -> None:
    async with asking("http://127.0.0.1:1") as provider:
        assert (await provider.ask("1:authorize", charge())).code == "unreachable"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "unreachable"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", "unreachable"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "unreadable"),
        (b"HTTP/1.1 402 No\r\ncontent-length: 18\r\n\r\n" + b'{"outcome":"done"}', "unreadable"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd", "unreadable"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"outcome":"done","x":' + b"[" * 99_999 + b"]" * 99_999 + b"}", "unreadable"),
        (b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", "unavailable"),
        (b"HTTP/1.1 429 Slowly\r\ncontent-length: 0\r\n\r\n", "unavailable"),
        (b"nonsense\r\n\r\n", "unreachable"),
    ],
    ids=["cut", "cut in the middle", "empty", "contradiction", "not packed", "deep", "broken", "busy", "no HTTP"],
)
async def test_an_answer_that_says_nothing_is_unknown(text: bytes, code: str) -> None:
    async with answering(saying(text)) as url, asking(url) as provider:
        answer = await provider.ask("1:authorize", charge())
    assert (answer.outcome, answer.code) == (Outcome.UNKNOWN, code)


async def test_an_answer_that_trickles_is_given_up_after_the_time_for_the_whole_call() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with answering(trickle) as url, asking(url, patience=0.4) as provider:
        assert (await provider.ask("1:authorize", charge())).code == "timeout"


async def test_a_provider_that_fails_too_often_is_left_alone_and_probed_later() -> None:
    came = 0

    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        await saying(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")(reader, writer)

    limits = Limits(calls=4, rest=1.0)
    async with answering(fail) as url, asking(url, limits=limits) as provider:
        codes = [(await provider.ask("1:authorize", charge())).code for _ in range(10)]
        assert codes == ["unavailable"] * 4 + ["provider_resting"] * 6
        assert came == 4
        deadline = asyncio.get_running_loop().time() + 30
        while (await provider.ask("1:authorize", charge())).code == "provider_resting":
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        assert came == 5


async def test_the_service_takes_nothing_that_is_large_or_makes_no_sense(service: str) -> None:
    async with httpx.AsyncClient(base_url=service, trust_env=False) as client:
        key = {"Idempotency-Key": "1"}
        assert (await client.post("/operations", content=b"x" * 20_000, headers=key)).status_code == 413
        assert (await client.post("/operations", content=b'{"operation":"rob"}', headers=key)).status_code == 422
        assert (await client.get("/healthz")).text == "ok"
