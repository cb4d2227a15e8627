"""The scripted provider's life: listening, refusing, counting, waiting. On uvloop and on asyncio's own loop."""

import asyncio
import json
import ssl

import orjson
import pytest

from proxy.drill import provider as module
from proxy.drill.load import once
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import hold, ok, refuse, silence, status
from translators.ir import Dialect

OPENAI, ANTHROPIC = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES

pytestmark = pytest.mark.parametrize(
    "anyio_backend",
    [("asyncio", {"use_uvloop": True}), ("asyncio", {"use_uvloop": False})],
    ids=["uvloop", "asyncio"],
)


async def status_of(url: str, chat) -> int:
    return (await once(url, "/v1/chat/completions", chat)).status


async def test_a_sequence_fails_twice_and_then_answers(chat):
    async with ScriptedProvider("alpha", OPENAI, status(503).times(2).then(ok())) as provider:
        assert [await status_of(provider.url, chat) for _ in range(4)] == [503, 503, 200, 200]


async def test_what_a_server_would_not_have_taken_is_counted_each_time(chat):
    async with ScriptedProvider("alpha", OPENAI, status(503).then(ok())) as provider:
        assert await status_of(provider.url, chat) == 503 and provider.refused == 0
        odd = {**chat, "messages": [*chat["messages"], {"role": "assistant", "content": "x", "thinking_blocks": []}]}
        assert [await status_of(provider.url, odd) for _ in range(2)] == [400, 400]
        assert provider.refused == 2


async def test_a_script_can_be_changed_while_running_and_begins_anew(chat):
    async with ScriptedProvider("alpha", OPENAI, ok()) as provider:
        assert await status_of(provider.url, chat) == 200
        provider.script = status(500).then(ok())
        assert [await status_of(provider.url, chat) for _ in range(2)] == [500, 200]


async def test_refused_connections_fail_at_connect_and_the_port_comes_back(chat):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        url = provider.url
        provider.script = refuse()
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                await once(url, "/v1/models")
        provider.script = ok()
        assert provider.url == url
        assert await status_of(url, chat) == 200


async def test_a_provider_can_begin_by_refusing(chat):
    async with ScriptedProvider("alpha", OPENAI, refuse()) as provider:
        with pytest.raises(ConnectionRefusedError):
            await once(provider.url, "/v1/models")
        provider.script = ok()
        assert await status_of(provider.url, chat) == 200


async def test_refusing_takes_effect_even_before_listening_did():
    async with ScriptedProvider("alpha", OPENAI) as provider:
        for script in (refuse(), ok(), refuse()):
            provider.script = script
        with pytest.raises(ConnectionRefusedError):
            await once(provider.url, "/v1/models")


async def test_refusing_resets_what_is_open_and_counts_nothing_as_cancelled(connect):
    async with ScriptedProvider("alpha", OPENAI, silence()) as provider:
        peer = await connect(provider.url)
        peer.ask()
        await provider.wait_for_requests(1)
        provider.script = refuse()
        with pytest.raises(ConnectionResetError):
            await peer.all()
        await provider.wait_until(lambda: provider.open_connections == 0)
        assert provider.cancelled == 0


async def test_requests_are_remembered_with_all_their_parts(connect, chat):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        before = asyncio.get_running_loop().time()
        peer = await connect(provider.url)
        peer.ask(path="/v1/chat/completions?a=b")
        await peer.all()
        (heard,) = provider.requests
        assert (heard.method, heard.path, heard.body) == ("POST", "/v1/chat/completions", chat)
        assert heard.headers["host"] == "drill"
        assert before <= heard.time <= asyncio.get_running_loop().time()
        assert repr(heard) == "POST /v1/chat/completions", "neither headers nor body are shown"


async def test_only_the_last_requests_are_remembered_but_all_are_counted(chat):
    async with ScriptedProvider("alpha", OPENAI, heard=2) as provider:
        for _ in range(3):
            await status_of(provider.url, chat)
        assert (len(provider.requests), provider.request_count) == (2, 3)


async def test_a_peer_that_leaves_before_the_end_is_counted_as_cancelled(connect):
    async with ScriptedProvider("alpha", OPENAI, hold(1)) as provider:
        peer = await connect(provider.url)
        peer.ask(stream=True)
        await peer.until(b'"demo"')
        assert provider.open_connections == 1
        await peer.leave()
        await provider.wait_for_cancelled(1)
        provider.release()
        assert (provider.open_connections, provider.cancelled) == (0, 1)


async def test_a_peer_that_leaves_after_its_answer_is_not(connect):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        peer.ask(close=False)
        await peer.until(b"fp_demo")
        await peer.leave()
        await provider.wait_until(lambda: provider.open_connections == 0)
        assert provider.cancelled == 0


async def test_waiting_in_vain_says_what_was_seen(monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    async with ScriptedProvider("alpha", OPENAI) as provider:
        with pytest.raises(TimeoutError, match=r"alpha waited .* seen: 0 requests, 0 cancelled, 0 connections"):
            await provider.wait_for_requests(1)


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
async def test_models_are_listed_whatever_the_script(dialect):
    async with ScriptedProvider("alpha", dialect, status(503), model="big") as provider:
        listed = orjson.loads((await once(provider.base_url, "/models")).body)
        assert listed["data"][0]["id"] == "big"
        assert orjson.loads((await once(provider.base_url, "/models/big")).body)["id"] == "big"
        assert (await once(provider.base_url, "/models/none")).status == 404


async def test_another_dialects_path_is_not_found(chat, claude):
    async with ScriptedProvider("a", OPENAI) as openai, ScriptedProvider("b", ANTHROPIC) as anthropic:
        assert (await once(openai.url, "/v1/messages", claude)).status == 404
        assert (await once(anthropic.url, "/v1/chat/completions", chat)).status == 404
        assert (await once(anthropic.url, "/v1/embeddings", {"model": "m", "input": "x"})).status == 404


@pytest.mark.parametrize(
    "body", [[], "text", {"model": 1}, {"model": "m", "messages": [1]}, {"model": "m", "messages": []}]
)
async def test_a_body_that_is_no_request_gets_a_400_of_the_dialect(body):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        answered = await once(provider.url, "/v1/chat/completions", body)
        assert answered.status == 400
        assert orjson.loads(answered.body)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("schema", "status"),
    [('{"type": "object", "required": [null]}', b"200"), (f'{{"const": {"[" * 300}{"]" * 300}}}', b"400")],
)
async def test_an_odd_schema_gets_an_answer(connect, chat, schema, status):
    """What goes too deep to be written is refused, as by any server."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": "HERE"}}
    body = json.dumps({**chat, "response_format": form}).replace('"HERE"', schema).encode()
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        peer.writer.write(head % len(body) + body)
        assert (await peer.all()).startswith(b"HTTP/1.1 " + status)


async def test_the_same_request_gets_the_same_bytes_and_another_one_others(connect):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        answers = []
        for text in ("x", "x", "y"):
            peer = await connect(provider.url)
            peer.ask({"model": "m", "messages": [{"role": "user", "content": text}]})
            answers.append(await peer.all())
        assert answers[0] == answers[1] != answers[2]


async def test_more_requests_than_are_kept_ready_are_still_answered(chat, monkeypatch):
    monkeypatch.setattr(module, "_CACHED", 2)
    async with ScriptedProvider("alpha", OPENAI) as provider:
        for text in "abcabc":
            assert await status_of(provider.url, {**chat, "messages": [{"role": "user", "content": text}]}) == 200


async def test_other_methods_are_not_found(connect):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        peer.writer.write(b"DELETE /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert (await peer.all()).startswith(b"HTTP/1.1 404 ")


async def test_tls_is_spoken_when_a_context_is_given(certificate):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    async with ScriptedProvider("alpha", OPENAI, tls=server) as provider:
        assert provider.base_url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=certificate[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", int(provider.url.rsplit(":", 1)[1]), ssl=trusting)
        writer.write(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert (await reader.read(-1)).startswith(b"HTTP/1.1 200 OK")
        writer.close()
        await writer.wait_closed()
