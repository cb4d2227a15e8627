"""From ASGI to an Exchange, on real sockets."""

import hashlib
import re
from contextlib import asynccontextmanager

import pytest
from msgspec import structs

from proxy.config.values import Client, LimitSettings
from proxy.edge import Edge
from tests.unit.proxy.edge.loopback import Held, Log, asked, connected, hello, request, served, soon
from translators.faults import Fault, Kind


async def seen_of(data):
    """What a service learns of a request."""
    seen = []

    async def service(exchange):
        seen.append(exchange)
        await hello(exchange)

    async with served(service) as running:
        await asked(running, data)
    return seen[0]


async def test_an_exchange_knows_its_request():
    exchange = await seen_of(request("POST", "/v1/embeddings?x=1", b"{}", "X-Thing: Value", "authorization: Bearer k"))
    assert (exchange.route, exchange.method, exchange.path) == ("embeddings", "POST", "/v1/embeddings")
    assert exchange.headers["x-thing"] == "Value"
    assert exchange.peer == "127.0.0.1"


async def test_header_values_are_utf_8_or_else_latin_1():
    assert (await seen_of(request("POST", "/v1/embeddings", b"{}", "x: \u00c3\u00a9"))).headers["x"] == "\u00e9"
    assert (await seen_of(request("POST", "/v1/embeddings", b"{}", "x: \u00e9"))).headers["x"] == "\u00e9"


async def test_ids_are_unique_and_well_formed():
    first, second = await seen_of(request()), await seen_of(request())
    assert re.fullmatch(r"req_[0-9a-f]{24}", first.id)
    assert first.id != second.id


async def test_a_models_id_may_be_encoded_and_have_slashes():
    exchange = await seen_of(request("GET", "/v1/models/meta%2Fllama/x%20y", b"", without=("content-type",)))
    assert (exchange.route, exchange.path) == ("models", "/v1/models/meta/llama/x y")


async def test_a_refusal_is_answered_counted_and_logged_like_any_exchange():
    log = Log()
    async with served(hello, log=log) as running:
        answer = await asked(running, request("POST", "/nowhere"))
        assert answer.status == 404
        assert answer.error["code"] == "unknown_url"
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-request-id"].startswith("req_")
        counted = running.app.metrics.requests
        assert counted == {("other", "", "", "404", "unknown_url"): 1}
    assert [(line["status"], line["code"]) for line in log.lines()] == [(404, "unknown_url")]


async def test_a_head_that_breaks_off_is_told_without_asking_for_a_key():
    clients = {"app": Client("app", ("ab" * 32,))}
    async with served(hello, clients=clients) as running:
        assert (await asked(running, b"GET /v1/mod\x00els HTTP/1.1\r\n\r\n")).status == 400
        assert (await asked(running, request("POST", "/nowhere"))).status == 401


async def test_another_method_is_answered_with_allow():
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request("OPTIONS"))
        answer = await raw.answer()
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        await raw.say(request("HEAD", "/v1/models"))
        assert (await raw.head())[0] == 405


async def test_what_is_ambiguous_in_a_head_is_refused():
    async with served(hello) as running:
        answer = await asked(running, request("POST", "/v1/embeddings", b"{}", "host: other"))
        assert (answer.status, answer.error["code"]) == (400, "invalid_http")
        answer = await asked(running, request("POST", "/v1/embeddings", b"{}", "x-sidestep-hop: 1"))
        assert (answer.status, answer.error["code"]) == (508, "loop_detected")


async def test_a_body_of_another_type_is_refused():
    async with served(hello) as running:
        answer = await asked(
            running, request("POST", "/v1/embeddings", b"a=1", "content-type: text/plain", without=("content-type",))
        )
        assert answer.error["code"] == "unsupported_media_type"


async def test_open_exchanges_are_counted_until_they_end():
    service = Held(before=lambda exchange: exchange.read())
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        assert running.edge.in_flight == 1
        service.release.set()
        await raw.answer()
        await running.edge.drained()
        assert running.edge.in_flight == 0


async def test_all_open_exchanges_can_be_told_to_end():
    service = Held(before=lambda exchange: exchange.read())
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        running.edge.cancel_all(Fault(kind=Kind.SHED, message="closing"))
        answer = await raw.answer()
        assert (answer.status, answer.error["message"]) == (503, "closing")
        assert service.cancelled


async def test_the_first_reason_to_end_stands():
    """What tells it is not interrupted by a second."""
    service = Held(before=lambda exchange: exchange.read())
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        running.edge.cancel_all(Fault(kind=Kind.DEADLINE, message="first"))
        running.edge.cancel_all(Fault(kind=Kind.SHED, message="second"))
        answer = await raw.answer()
        assert (answer.status, answer.error["message"]) == (504, "first")


async def test_after_a_head_that_may_be_read_in_two_ways_nothing_more_is_read():
    """Another reader may see the request end elsewhere, and what follows begin elsewhere."""
    head = b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    for ambiguous in (b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"host: b\r\ncontent-length: 0\r\n\r\n"):
        async with served(hello) as running, connected(running) as raw:
            await raw.say(head + ambiguous)
            assert (await raw.answer()).headers["connection"] == "close"
            assert await raw.rest() == b""


FULL = LimitSettings(in_flight=1, queue=0)


@asynccontextmanager
async def crowded(monkeypatch, **more):
    """A proxy whose one place is taken; gives it, and for each further request that is looked at whether it was turned
    away where it stood."""
    away, turn_away = [], Edge.turn_away
    monkeypatch.setattr(Edge, "turn_away", lambda *given: away.append(turn_away(*given)) or away[-1])
    service = Held(before=lambda exchange: exchange.read())
    key = {"more": ("authorization: Bearer k",)} if "clients" in more else {"more": ()}
    async with served(service, limits=FULL, **more) as running, connected(running) as holder:
        await holder.say(request("POST", "/v1/chat/completions", b"{}", *key["more"]))
        await soon(service.entered)
        away.clear()
        yield running, away
        service.release.set()
        assert (await holder.answer()).status == 200


CHAT = "/v1/chat/completions"


async def test_who_is_shed_for_certain_is_told_where_the_request_stands(monkeypatch):
    """And is answered, counted and logged like anybody; the connection serves on."""
    log = Log()
    async with crowded(monkeypatch, log=log) as (running, away), connected(running) as raw:
        for count in range(2):
            await raw.say(request("POST", CHAT, b"{}", f"x-stainless-retry-count: {count}"))
            answer = await raw.answer()
            assert (answer.status, answer.error["code"]) == (503, "overloaded")
            assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("1", "true")
            assert "connection" not in answer.headers
        assert away == [True, True]
        assert running.edge.in_flight == 1
        assert running.app.metrics.requests["chat", "", "", "503", "overloaded"] == 2
    shed = [line for line in log.lines() if line["status"] == 503]
    assert [(line["kind"], line["code"], line["route"], line["retry_count"]) for line in shed] == [
        ("shed", "overloaded", "chat", count) for count in range(2)
    ]
    assert len({line["id"] for line in shed}) == 2


async def test_who_is_shed_again_is_told_counted_and_logged_the_same_without_being_looked_at(monkeypatch):
    """Whose head is the last one's, that is, however long its body. A connection's first is not remembered."""
    log, answers = Log(), []
    async with crowded(monkeypatch, log=log) as (running, away), connected(running) as raw:
        for size in (2, 2, 30, 4_000):
            await raw.say(request("POST", CHAT, b"{" + b" " * (size - 2) + b"}", "x-stainless-retry-count: 2"))
            answers.append(await raw.answer())
        assert away == [True, True]
        assert [seen[0].id for seen in running.app.recent] == [one.headers["x-request-id"] for one in answers]
        assert running.app.metrics.requests["chat", "", "", "503", "overloaded"] == 4
    first, *others = [(one.status, one.body, one.headers | {"x-request-id": "", "date": ""}) for one in answers]
    assert others == [first] * 3
    varying = dict.fromkeys(("time", "id", "ms", "added_ms"))
    first, *others = [line | varying for line in log.lines() if line["status"] == 503]
    assert others == [first] * 3
    assert (first["kind"], first["retry_count"]) == ("shed", 2)
    told = [line["id"] for line in log.lines() if line["status"] == 503]
    assert told == [one.headers["x-request-id"] for one in answers]


async def test_who_was_shed_is_served_as_soon_as_there_is_a_place():
    service = Held(before=lambda exchange: exchange.read())
    async with served(service, limits=FULL) as running, connected(running) as holder, connected(running) as raw:
        await holder.say(request("POST", CHAT, b"{}"))
        await soon(service.entered)
        for _ in range(2):
            await raw.say(request("POST", CHAT, b"{}"))
            assert (await raw.answer()).status == 503
        service.release.set()
        assert (await holder.answer()).status == 200
        await raw.say(request("POST", CHAT, b"{}"))
        assert (await raw.answer()).status == 200


async def test_who_was_shed_is_told_by_the_next_configuration_once_that_serves(monkeypatch):
    """Its key may be one no more."""
    clients = {name: Client(name, (hashlib.sha256(name.encode()).hexdigest(),)) for name in ("k", "other")}
    async with crowded(monkeypatch, clients=clients) as (running, _), connected(running) as raw:
        for _ in range(2):
            await raw.say(request("POST", CHAT, b"{}", "authorization: Bearer k"))
            assert (await raw.answer()).status == 503
        await running.adopt(structs.replace(running.config, clients={"other": clients["other"]}))
        await raw.say(request("POST", CHAT, b"{}", "authorization: Bearer k"))
        assert (await raw.answer()).status == 401


async def test_where_more_is_to_be_seen_of_each_who_is_shed_each_is_looked_at(monkeypatch):
    """By a recorder or by spans, which know the exchange and not its line."""
    async with crowded(monkeypatch) as (running, away), connected(running) as raw:
        running.edge._shift.turnstile = structs.replace(running.edge._shift.turnstile, alike=None)
        for _ in range(3):
            await raw.say(request("POST", CHAT, b"{}"))
            assert (await raw.answer()).status == 503
        assert away == [True] * 3


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(), 401),
        (request("POST", CHAT, b"{}", "authorization: Bearer wrong"), 401),
        (request("POST", "/nowhere", b"{}", "authorization: Bearer k"), 404),
        (request("POST", CHAT, b"{}", "x_y: 1", "authorization: Bearer k"), 400),
        (request("POST", CHAT, b"{}", "authorization: Bearer k"), 503),
    ],
)
async def test_however_crowded_it_is_everybody_is_told_the_same_as_ever(monkeypatch, sent, status):
    """Who has no key, first of all."""
    clients = {"app": Client("app", (hashlib.sha256(b"k").hexdigest(),))}
    async with crowded(monkeypatch, clients=clients) as (running, away):
        assert (await asked(running, sent)).status == status
        assert away == [True]


async def test_a_request_that_is_not_all_here_takes_the_usual_way(monkeypatch):
    async with crowded(monkeypatch) as (running, away), connected(running) as raw:
        await raw.say(request()[:-1])
        answer = await raw.answer()
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert away == []
