"""A client's key and a request's content appear in nothing that leaves the process but the call upstream."""

from hashlib import sha256

import pytest

from proxy.config.values import Client, LimitSettings
from proxy.flow import Exchange, Refused
from tests.unit.proxy.edge.loopback import JSON, Log, asked, connected, request, served
from translators.faults import Fault, Kind, Malformed

KEY = "sk-canary-9b1c7d"
BODY = b'{"messages": "canary-body-55aa"}'
CANARIES = (b"canary-9b1c7d", b"canary-body-55aa")
CLIENTS = {"web": Client("web", (sha256(KEY.encode()).hexdigest(),))}


class Quoting(Exception):
    """As a parser's error does, its text quotes what it could not read."""


async def answers(exchange):
    exchange.status = 200
    await exchange.out.answer(200, JSON, b"{}")


async def refuses(_):
    raise Refused(Fault(kind=Kind.REFUSED, status=400, message="No."))


async def finds_it_malformed(_):
    raise Malformed("Bad field.", param="messages", code="invalid_value")


async def breaks(exchange):
    raise Quoting(str(await exchange.read()) + exchange.headers["authorization"])


async def breaks_in_its_stream(exchange):
    await exchange.out.start(200, JSON)
    raise Quoting(repr(exchange) + exchange.headers["authorization"])


@pytest.mark.parametrize("service", [answers, refuses, finds_it_malformed, breaks, breaks_in_its_stream])
@pytest.mark.parametrize(
    "header", [f"authorization: Bearer {KEY}", f"authorization: Bearer {KEY}x", f"x-api-key: {KEY}"]
)
async def test_no_outcome_tells_a_key_or_a_body(service, header, caplog, capfd):
    log = Log()
    async with served(service, clients=CLIENTS, log=log) as running, connected(running) as raw:
        await raw.say(request("POST", "/v1/chat/completions", BODY, header, "connection: close"))
        told = await raw.rest()
    captured = capfd.readouterr()
    everything = told + log.getvalue() + caplog.text.encode() + captured.out.encode() + captured.err.encode()
    assert log.lines()
    assert not [canary for canary in CANARIES if canary in everything]


@pytest.mark.parametrize(
    "data",
    [
        request("POST", "/v1/chat/completions", BODY, f"authorization: Bearer {KEY}", f"authorization: Bearer {KEY}"),
        request("POST", "/v1/chat/completions", BODY, f"authorization: Bearer {KEY}", "a_b: 1"),
        request("POST", "/v1/chat/completions", BODY, f"authorization: Bearer {KEY}", "transfer-encoding: chunked"),
        request("POST", "/v1/chat/completions", BODY, f"authorization: Bearer {KEY}", "x" * 17_000 + ": 1"),
        b"POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer " + KEY.encode() + b"\r\nbroken\r\n\r\n",
        request("POST", f"/{'a' * 50}", BODY, f"authorization: Bearer {KEY}"),
    ],
)
async def test_what_cannot_be_read_is_not_quoted(data, caplog):
    log = Log()
    async with served(answers, clients=CLIENTS, log=log) as running:
        answer = await asked(running, data)
    assert 400 <= answer.status < 500
    assert log.lines()
    assert not [canary for canary in CANARIES if canary in answer.body + log.getvalue() + caplog.text.encode()]


async def test_an_exchange_does_not_print_its_headers_or_its_payload():
    seen = []

    async def service(exchange: Exchange):
        exchange.payload = BODY
        seen.append(repr(exchange))
        await answers(exchange)

    async with served(service) as running:
        await asked(running, request("POST", "/v1/chat/completions", BODY, f"authorization: Bearer {KEY}"))
    assert not [canary for canary in CANARIES if canary.decode() in seen[0]]


async def test_a_body_too_large_is_not_kept():
    async with served(answers, limits=LimitSettings(body_bytes=10)) as running:
        await asked(running, request("POST", "/v1/chat/completions", BODY))
        assert running.edge.buffered == 0
