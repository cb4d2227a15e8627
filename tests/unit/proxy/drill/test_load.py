"""The project's own client takes nothing for an answer that is not a whole one."""

import asyncio

import pytest

from proxy.drill import script as scripts
from proxy.drill.load import KINDS, Broken, Channel, Result, ask, encode, once, question, read_stream
from proxy.drill.provider import ScriptedProvider
from translators.ir import Dialect

SERVED = {"x-sidestep-provider": "alpha", "x-sidestep-model": "demo-large"}


async def asked(script, kind="stream", **more) -> Result:
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT, script) as provider:
        return await ask(provider.base_url, kind, **more)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("unary", "demo answer from alpha: Say something short."),
        ("stream", "demo answer from alpha: Say something short."),
        ("tools", "get_weather"),
        ("embeddings", "256 numbers"),
    ],
)
async def test_each_kind_of_request_is_answered(kind, text):
    result = await asked(scripts.ok(headers=SERVED), kind)
    assert (result.ok, result.error, result.text, result.status) == (True, "", text, 200)
    assert result.served_by == "alpha/demo-large"
    assert 0 < result.seconds < 10
    assert (result.first_token_s is not None) == (kind == "stream")


async def test_the_first_token_is_the_first_content_not_the_first_byte():
    result = await asked(scripts.ok(pings=3, every_s=0.01))
    assert 0.03 <= (result.first_token_s or 0) < result.seconds


BROKEN = [
    scripts.status(500),
    scripts.html(200),
    scripts.html(502),
    scripts.error_in_200(),
    scripts.overloaded_event(),
    scripts.overloaded_event(2),
    scripts.cut_before_headers(),
    scripts.cut_before_headers(reset=True),
    scripts.cut_in_headers(),
    scripts.cut_before_commit(),
    scripts.cut(2),
    scripts.cut(2, in_event=True),
    scripts.truncated(),
    scripts.truncated(1, by_close=True),
    scripts.half_json(),
    scripts.invalid_event(),
    scripts.invalid_utf8(),
    scripts.redirect(),
    scripts.refuse(),
]


@pytest.mark.parametrize("script", BROKEN, ids=str)
async def test_a_stream_that_is_not_whole_is_not_ok(script):
    result = await asked(script)
    assert not result.ok
    assert result.error
    assert result.served_by == ""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stream"])
@pytest.mark.parametrize(
    "script", [scripts.cut(), scripts.half_json(), scripts.error_in_200(), scripts.status(429)], ids=str
)
async def test_a_unary_answer_that_is_not_whole_is_not_ok(script, kind):
    assert not (await asked(script, kind)).ok


@pytest.mark.parametrize("script", [scripts.silence(), scripts.silence_after_headers(), scripts.stall(1)], ids=str)
async def test_silence_ends_at_the_timeout(script):
    result = await asked(script, timeout_s=0.05)
    assert (result.ok, result.error) == (False, "TimeoutError")


async def test_headers_given_are_sent():
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as provider:
        await ask(provider.base_url, "unary", {"authorization": "Bearer x"})
        assert provider.requests[0].headers["authorization"] == "Bearer x"


async def test_a_channel_serves_many_requests_and_refuses_when_it_is_closed():
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as provider:
        channel = await Channel.open(provider.url)
        request = encode(provider.base_url, "/models")
        assert [(await channel.send(request)).status for _ in range(3)] == [200] * 3
        assert provider.open_connections == 1
        channel.close()
        await provider.wait_until(lambda: provider.open_connections == 0)
        with pytest.raises(Broken, match="closed"):
            await channel.send(request)


async def test_an_answer_that_broke_off_is_kept_as_far_as_it_came():
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT, scripts.cut(2)) as provider:
        with pytest.raises(Broken) as caught:
            await once(provider.base_url, *question("stream"))
    assert caught.value.answered.status == 200
    assert b"demo answer" not in caught.value.answered.body
    assert b'"content":"demo"' in caught.value.answered.body


async def test_pieces_can_be_watched_in_place_of_being_kept():
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as provider:
        channel, seen = await Channel.open(provider.url), []
        channel.on_piece = seen.append
        answered = await channel.send(encode(provider.base_url, "/models"))
        channel.close()
        assert answered.pieces == []
        assert b"demo-large" in b"".join(seen)
        await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop, for the transport to close


def test_a_stream_is_read_the_same_under_any_split():
    whole = b'data: {"choices":[{"delta":{"content":"ab"},"finish_reason":null}]}\n\n'
    whole += b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    for size in (1, 7, len(whole)):
        pieces = [(float(at), whole[at : at + size]) for at in range(0, len(whole), size)]
        assert read_stream(pieces)[0] == "ab"


def test_done_without_a_finish_is_not_whole():
    with pytest.raises(ValueError, match="finish_reason"):
        read_stream([(0.0, b"data: [DONE]\n\n")])
