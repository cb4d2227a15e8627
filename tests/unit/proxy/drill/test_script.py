"""Every script, as it goes over the wire: asserted on the bytes a raw socket reads."""

import gzip
import re

import orjson
import pytest

from proxy.drill import script as scripts
from proxy.drill.provider import ScriptedProvider
from translators.ir import Dialect

OPENAI, ANTHROPIC = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
END = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def body_of(raw: bytes) -> bytes:
    return raw.split(b"\r\n\r\n", 1)[1]


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


def header_of(raw: bytes, name: bytes) -> str | None:
    found = re.search(rb"\r\n%b: ([^\r]*)" % name, raw.split(b"\r\n\r\n", 1)[0])
    return found.group(1).decode() if found else None


def events_of(raw: bytes) -> list[bytes]:
    """The events of a chunked stream, each of which is a chunk."""
    return [part.split(b"\r\n", 1)[1] for part in re.split(rb"\n\n\r\n", body_of(raw))[:-1]]


async def answer_to(connect, script, *, stream=False, dialect=OPENAI, **more) -> bytes:
    """All bytes that a provider playing `script` answers with until the connection ends."""
    async with ScriptedProvider("alpha", dialect, script) as provider:
        peer = await connect(provider.url)
        body = {"model": "m", "messages": [{"role": "user", "content": "one two three"}], **more}
        peer.ask(body | {"max_tokens": 100} if dialect is ANTHROPIC else body, stream=stream)
        return await peer.all()


async def test_ok_is_a_whole_json_answer_with_its_length(connect):
    raw = await answer_to(connect, scripts.ok(headers={"x-extra": "1"}))
    body = body_of(raw)
    assert status_of(raw) == 200
    assert header_of(raw, b"content-length") == str(len(body))
    assert header_of(raw, b"x-extra") == "1"
    assert orjson.loads(body)["choices"][0]["message"]["content"] == "demo answer from alpha: one two three"


async def test_an_ok_openai_stream_has_role_words_finish_and_done(connect):
    raw = await answer_to(connect, scripts.ok(), stream=True, stream_options={"include_usage": True})
    events = events_of(raw)
    assert raw.endswith(DONE + b"\r\n" + END)
    chunks = [orjson.loads(event.removeprefix(b"data: ")) for event in events[:-1]]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks[:-1])
    assert text == "demo answer from alpha: one two three"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 4 + 10


async def test_an_ok_anthropic_stream_has_named_events_in_order(connect):
    raw = await answer_to(connect, scripts.ok(deltas=3), stream=True, dialect=ANTHROPIC)
    names = [event.split(b"\n")[0].removeprefix(b"event: ").decode() for event in events_of(raw)]
    assert names == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("count", [1, 3, 50])
async def test_a_stream_has_exactly_the_content_deltas_asked_for(connect, count):
    raw = await answer_to(connect, scripts.ok(deltas=count), stream=True)
    assert sum(b'"content":"' in event for event in events_of(raw)) == count + 1, (
        "the deltas, and the role chunk's empty one"
    )


async def test_pings_stand_before_the_first_content(connect):
    raw = await answer_to(connect, scripts.ok(pings=2, every_s=0.001), stream=True)
    assert [event[:6] for event in events_of(raw)[:4]] == [b"data: ", b": ping", b": ping", b"data: "]


async def test_a_slow_stream_is_the_same_stream(connect):
    slow = await answer_to(connect, scripts.ok(every_s=0.001, first_s=0.001), stream=True)
    assert slow == await answer_to(connect, scripts.ok(), stream=True)


async def test_a_trickle_is_the_same_answer_byte_by_byte(connect):
    assert await answer_to(connect, scripts.trickle()) == await answer_to(connect, scripts.ok())


@pytest.mark.parametrize(
    ("script", "dialect", "status", "said"),
    [
        (scripts.status(401), OPENAI, 401, '"code":"invalid_api_key"'),
        (scripts.status(429), OPENAI, 429, '"code":"rate_limit_exceeded"'),
        (scripts.status(429, "insufficient_quota"), OPENAI, 429, '"type":"insufficient_quota"'),
        (scripts.status(400, "context_length"), OPENAI, 400, '"code":"context_length_exceeded"'),
        (scripts.status(400, "content_filter"), OPENAI, 400, '"code":"content_policy_violation"'),
        (scripts.status(503), OPENAI, 503, '"type":"service_unavailable_error"'),
        (scripts.status(502), OPENAI, 502, '"type":"server_error"'),
        (scripts.status(401), ANTHROPIC, 401, '"type":"authentication_error"'),
        (scripts.status(402), ANTHROPIC, 402, '"type":"billing_error"'),
        (scripts.status(404), ANTHROPIC, 404, '"type":"not_found_error"'),
        (scripts.status(429, "spend_limit"), ANTHROPIC, 429, '"error_code":"enforced_spend_limit_reached"'),
        (scripts.status(400, "insufficient_quota"), ANTHROPIC, 400, "credit balance is too low"),
        (scripts.status(529), ANTHROPIC, 529, '"type":"overloaded_error"'),
        (scripts.status(500, message="mine"), ANTHROPIC, 500, '"message":"mine"'),
    ],
    ids=str,
)
async def test_an_error_status_has_its_vendors_body(connect, script, dialect, status, said):
    raw = await answer_to(connect, script, dialect=dialect, stream=True)
    assert status_of(raw) == status
    assert said in body_of(raw).decode()
    assert "error" in orjson.loads(body_of(raw))


async def test_an_error_carries_the_retry_headers_asked_for(connect):
    raw = await answer_to(
        connect, scripts.status(429, retry_after=7, retry_after_ms=50, headers={"x-should-retry": "true"})
    )
    told = [header_of(raw, name) for name in (b"retry-after", b"retry-after-ms", b"x-should-retry")]
    assert told == ["7", "50", "true"]


async def test_an_error_can_hide_in_a_200(connect):
    raw = await answer_to(connect, scripts.error_in_200(), stream=True)
    assert status_of(raw) == 200
    assert orjson.loads(body_of(raw))["error"]["type"] == "server_error"


@pytest.mark.parametrize(("after", "words"), [(None, 0), (2, 2)])
async def test_an_overloaded_event_ends_a_stream_that_has_no_terminal_event(connect, after, words):
    raw = await answer_to(connect, scripts.overloaded_event(after), stream=True)
    *before, last = events_of(raw)
    assert sum(b'"content":" ' in event or b'"content":"demo' in event for event in before) == words
    assert orjson.loads(last.removeprefix(b"data: "))["error"]["code"] == "server_is_overloaded"
    assert raw.endswith(END)
    assert DONE not in raw


async def test_an_anthropic_overloaded_event_is_named_error(connect):
    raw = await answer_to(connect, scripts.overloaded_event(), stream=True, dialect=ANTHROPIC)
    assert events_of(raw)[-1].startswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"')


@pytest.mark.parametrize(("dialect", "status"), [(OPENAI, 503), (ANTHROPIC, 529)])
async def test_a_unary_request_meets_overload_as_a_status(connect, dialect, status):
    assert status_of(await answer_to(connect, scripts.overloaded_event(), dialect=dialect)) == status


@pytest.mark.parametrize("code", [200, 502])
async def test_html_comes_with_its_type_and_status(connect, code):
    raw = await answer_to(connect, scripts.html(code))
    assert (status_of(raw), header_of(raw, b"content-type")) == (code, "text/html")
    assert body_of(raw).startswith(b"<!doctype html>")


async def test_a_redirect_names_another_place(connect):
    raw = await answer_to(connect, scripts.redirect("http://127.0.0.1:1/x"))
    assert (status_of(raw), header_of(raw, b"location")) == (302, "http://127.0.0.1:1/x")


async def test_a_cut_before_headers_sends_nothing(connect):
    assert await answer_to(connect, scripts.cut_before_headers()) == b""


async def test_a_reset_is_seen_as_a_reset(connect):
    with pytest.raises(ConnectionResetError):
        await answer_to(connect, scripts.cut_before_headers(reset=True))


async def test_a_cut_in_headers_never_ends_them(connect):
    raw = await answer_to(connect, scripts.cut_in_headers())
    assert raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in raw


@pytest.mark.parametrize(("dialect", "first"), [(OPENAI, b"data: "), (ANTHROPIC, b"event: message_start")])
async def test_a_cut_before_commit_follows_the_opening_alone(connect, dialect, first):
    raw = await answer_to(connect, scripts.cut_before_commit(), stream=True, dialect=dialect)
    assert events_of(raw)[0].startswith(first)
    assert b'"demo"' not in body_of(raw)
    assert not raw.endswith(END)


async def test_a_unary_cut_before_commit_is_headers_without_their_body(connect):
    raw = await answer_to(connect, scripts.cut_before_commit())
    assert int(header_of(raw, b"content-length") or 0) > 0
    assert body_of(raw) == b""


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("in_event", [False, True])
async def test_a_cut_leaves_the_body_unterminated_after_k_deltas(connect, dialect, in_event):
    raw = await answer_to(connect, scripts.cut(2, in_event=in_event), stream=True, dialect=dialect)
    assert [word in raw for word in (b'"demo"', b" answer", b" from")] == [True, True, False]
    assert raw.endswith(b"data: {\r\n") is in_event
    assert not raw.endswith(END)


async def test_a_unary_cut_is_half_the_body_its_length_announced(connect):
    raw = await answer_to(connect, scripts.cut())
    assert len(body_of(raw)) == int(header_of(raw, b"content-length") or 0) // 2


@pytest.mark.parametrize(("dialect", "terminal"), [(OPENAI, b'finish_reason":"stop'), (ANTHROPIC, b"message_delta")])
async def test_a_clean_truncation_ends_the_body_but_not_the_stream(connect, dialect, terminal):
    raw = await answer_to(connect, scripts.truncated(), stream=True, dialect=dialect)
    assert raw.endswith(END)
    assert b" three" in raw
    assert terminal not in raw


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
async def test_a_cut_in_a_chunk_leaves_fewer_bytes_than_it_announced(connect, dialect):
    raw = await answer_to(connect, scripts.cut_in_chunk(2), stream=True, dialect=dialect)
    assert [word in raw for word in (b'"demo"', b" answer", b" from")] == [True, True, False]
    announced, begun = body_of(raw).rsplit(b"\n\n\r\n", 1)[1].split(b"\r\n", 1)
    assert 0 < len(begun) < int(announced, 16)


async def test_a_unary_cut_in_a_chunk_is_half_the_body(connect):
    raw = await answer_to(connect, scripts.cut_in_chunk())
    assert len(body_of(raw)) == int(header_of(raw, b"content-length") or 0) // 2


@pytest.mark.parametrize("script", [scripts.reset_after_finish(), scripts.reset_after_end()], ids=str)
async def test_a_reset_in_place_of_the_last_chunk_is_seen_as_one(connect, script):
    with pytest.raises(ConnectionResetError):
        await answer_to(connect, script, stream=True)


async def test_a_clean_truncation_can_be_the_connections_end(connect):
    raw = await answer_to(connect, scripts.truncated(1, by_close=True), stream=True)
    assert header_of(raw, b"transfer-encoding") is None
    assert header_of(raw, b"connection") == "close"
    assert raw.endswith(b"\n\n")
    assert raw.count(b"data: ") == 2


async def test_half_a_json_has_a_length_that_fits(connect):
    raw = await answer_to(connect, scripts.half_json())
    assert header_of(raw, b"content-length") == str(len(body_of(raw)))
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body_of(raw))


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("script", [scripts.half_json(), scripts.invalid_event(), scripts.invalid_utf8()], ids=str)
async def test_a_garbled_event_stands_before_the_content(connect, script, dialect):
    raw = await answer_to(connect, script, stream=True, dialect=dialect)
    opening = 1 if dialect is OPENAI else 2
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(events_of(raw)[opening].rpartition(b"data: ")[2])
    assert raw.endswith(END)


@pytest.mark.parametrize("script", [scripts.invalid_event(), scripts.invalid_utf8()], ids=str)
async def test_a_garbled_unary_answer_is_no_json(connect, script):
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body_of(await answer_to(connect, script)))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_big_event_is_that_big_and_valid(connect, stream):
    raw = await answer_to(connect, scripts.big_event(1_000_000), stream=stream)
    if stream:
        assert len(orjson.loads(events_of(raw)[1][6:])["choices"][0]["delta"]["content"]) == 1_000_000
    else:
        assert len(body_of(raw)) > 1_000_000
        assert orjson.loads(body_of(raw))["object"] == "chat.completion"


async def test_endless_headers_go_on_until_the_peer_leaves(connect):
    async with ScriptedProvider("alpha", OPENAI, scripts.endless_headers()) as provider:
        peer = await connect(provider.url)
        peer.ask()
        raw = await peer.reader.readexactly(1_000_000)
        assert raw.startswith(b"HTTP/1.1 200 OK\r\nx-padding: ")
        assert b"\r\n\r\n" not in raw
        await peer.leave()
        await provider.wait_for_cancelled(1)


async def test_a_wrong_content_type_is_all_that_is_wrong(connect):
    raw = await answer_to(connect, scripts.wrong_content_type(), stream=True)
    assert header_of(raw, b"content-type") == "text/plain"
    assert raw.endswith(DONE + b"\r\n" + END)


@pytest.mark.parametrize(
    ("dialect", "finish"), [(OPENAI, b'"finish_reason":"stop"'), (ANTHROPIC, b'"stop_reason":"end_turn"')]
)
async def test_a_duplicate_finish_is_there_twice(connect, dialect, finish):
    assert (await answer_to(connect, scripts.duplicate_finish(), stream=True, dialect=dialect)).count(finish) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_a_gzip_bomb_is_small_on_the_wire_and_large_unpacked(connect, stream):
    raw = await answer_to(connect, scripts.gzip_bomb(), stream=stream)
    assert header_of(raw, b"content-encoding") == "gzip"
    assert len(raw) < 1_000_000
    assert len(gzip.decompress(body_of(raw))) > 32 * 1024 * 1024


async def test_silence_hears_and_says_nothing(connect):
    async with ScriptedProvider("alpha", OPENAI, scripts.silence()) as provider:
        peer = await connect(provider.url)
        peer.ask()
        await provider.wait_for_requests(1)
        provider.release()
        await peer.leave()
        await provider.wait_for_cancelled(1)
        assert not peer.reader._buffer


@pytest.mark.parametrize(
    ("script", "last"),
    [
        (scripts.silence_after_headers(), b"\r\n\r\n"),
        (scripts.stall(0), b'"content":"'),
        (scripts.stall(2), b" answer"),
    ],
    ids=str,
)
async def test_a_stall_says_so_much_and_no_more(connect, script, last):
    async with ScriptedProvider("alpha", OPENAI, script) as provider:
        peer = await connect(provider.url)
        peer.ask(stream=True)
        raw = await peer.until(last)
        assert b" from" not in raw
        assert provider.cancelled == 0
        await peer.leave()
        await provider.wait_for_cancelled(1)


async def test_an_unclosed_stream_says_its_end_and_its_body_has_none(connect):
    async with ScriptedProvider("alpha", OPENAI, scripts.unclosed()) as provider:
        peer = await connect(provider.url)
        peer.ask(stream=True)
        raw = await peer.until(DONE)
        assert b" from" in raw
        await peer.leave()
        await provider.wait_for_cancelled(1)
    assert await answer_to(connect, scripts.unclosed()) == await answer_to(connect, scripts.ok())


@pytest.mark.parametrize("after", [None, 0, 2])
async def test_a_hold_goes_on_where_it_stopped_once_released(connect, after):
    well = await answer_to(connect, scripts.ok(), stream=True)
    async with ScriptedProvider("alpha", OPENAI, scripts.hold(after)) as provider:
        peer = await connect(provider.url)
        peer.ask(stream=True)
        await provider.wait_for_requests(1)
        provider.release()
        assert await peer.all() == well


async def test_an_error_event_may_wait_until_what_was_before_it_is_on_its_way(connect):
    told = await answer_to(connect, scripts.overloaded_event(2), stream=True)
    async with ScriptedProvider("alpha", OPENAI, scripts.overloaded_event(2, held=True)) as provider:
        peer = await connect(provider.url)
        peer.ask(stream=True)
        await provider.wait_for_requests(1)
        provider.release()
        assert await peer.all() == told


def test_a_script_says_what_it_does():
    script = scripts.status(503).times(2).then(scripts.ok())
    assert str(script) == "status 503 then status 503 then ok"
    assert str(scripts.refuse()) == "refuse"


@pytest.mark.parametrize(
    "make", [lambda: scripts.ok().then(scripts.refuse()), lambda: scripts.refuse().then(scripts.ok())]
)
def test_refusing_cannot_be_one_step_of_several(make):
    with pytest.raises(ValueError, match="stands alone"):
        make()


def test_a_script_cannot_run_less_than_once():
    with pytest.raises(ValueError, match="at least once"):
        scripts.ok().times(0)
