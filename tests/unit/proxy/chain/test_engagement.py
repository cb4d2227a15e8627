"""One attempt: what goes upstream, what comes back, and how it ends when the exchange is called off."""

import orjson
import pytest

from translators.faults import Kind

WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
TOOL_USE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def test_a_call_goes_to_the_providers_url_with_its_key_and_our_hop_mark(lab):
    alpha, claude = lab.chain("alpha", "claude")
    alpha.script[0] = 503
    lab.ask(headers={"authorization": "Bearer sk-clients-own", "cookie": "c", "idempotency-key": "i-1"})
    (first, *_), (second,) = alpha.calls, claude.calls
    assert (first.method, first.url) == ("POST", "https://alpha.test/chat/completions")
    sent = dict(first.headers)
    assert (sent["authorization"], sent["x-sidestep-hop"], sent["idempotency-key"]) == ("Bearer sk-alpha-0", "1", "i-1")
    assert "cookie" not in sent
    assert orjson.loads(first.body)["model"] == "large"
    assert dict(second.headers)["x-api-key"] == "sk-claude-0"
    assert not first.stream


def test_a_streamed_request_asks_for_events(lab):
    (alpha,) = lab.chain("alpha")
    lab.ask(stream=True)
    (call,) = alpha.calls
    assert call.stream and dict(call.headers)["accept"] == "text/event-stream"


def test_an_answer_names_the_model_and_the_request_and_passes_the_providers_limits_on(lab):
    (claude,) = lab.chain("claude")
    reply = TOOL_USE | {"content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"}
    headers = {"request-id": "req-up", "x-ratelimit-remaining-requests": "9", "set-cookie": "a=b"}
    claude.script[0] = (200, headers, reply)
    answer = lab.ask()
    assert (answer.json["id"], answer.json["created"], answer.json["model"]) == ("chatcmpl-1", 1700001000, "large")
    assert answer.headers["x-sidestep-upstream-id"] == "req-up"
    assert answer.headers["x-upstream-ratelimit-remaining-requests"] == "9"
    assert "set-cookie" not in answer.headers


def test_a_relayed_answer_passes_byte_for_byte(lab):
    (alpha,) = lab.chain("alpha")
    choice = b'{"message":{"role":"assistant","content":"h\xc3\xa9"}, "finish_reason":"stop"}'
    body = b'{"id":"c", "new":[1], "choices":[%b]}' % choice
    alpha.script[0] = [body]
    assert lab.ask().body == body


@pytest.mark.parametrize("forced", [False, True])
def test_an_answer_to_a_forced_tool_ends_as_the_clients_dialect_says(lab, forced):
    """OpenAI finishes with `stop` where the caller named the tool."""
    (claude,) = lab.chain("claude")
    claude.script[0] = (200, {}, TOOL_USE)
    choice = {"type": "function", "function": {"name": "f"}} if forced else "auto"
    answer = lab.ask({"tools": [TOOL], "tool_choice": choice})
    assert answer.json["choices"][0]["finish_reason"] == ("stop" if forced else "tool_calls")


@pytest.mark.parametrize("name", ["alpha", "claude"])
def test_metadata_that_was_asked_for_is_added_to_a_whole_answer(lab, name):
    lab.chain(name)
    told = lab.ask(headers={"x-sidestep-metadata": "1"}).json["sidestep"]
    assert (told["provider"], told["model"], told["request_id"]) == (name, "large", "req_1")
    assert told["attempts"] == [{"target": f"{name}/large", "kind": "ok", "status": 200, "ms": 0}]


@pytest.mark.parametrize("name", ["alpha", "claude"])
def test_metadata_that_was_asked_for_is_a_streams_last_chunk(lab, name):
    lab.chain(name)
    answer = lab.ask(stream=True, headers={"x-sidestep-metadata": "1"})
    *_, last, done = answer.body.strip().split(b"\n\n")
    assert done == b"data: [DONE]"
    chunk = orjson.loads(last.removeprefix(b"data: "))
    assert (chunk["choices"], chunk["sidestep"]["provider"]) == ([], name)


def test_metadata_is_not_added_unasked(lab):
    lab.chain("alpha")
    assert b"sidestep" not in lab.ask().body + lab.ask(stream=True).body


# -- called off after the commit


@pytest.mark.parametrize("name", ["alpha", "claude"])
@pytest.mark.parametrize(("kind", "code"), [(Kind.DEADLINE, "deadline_exceeded"), (Kind.SHED, "overloaded")])
def test_a_stream_that_we_end_is_told_so_before_it_is_cut(lab, name, kind, code):
    engine, _ = lab.chain(name, "beta")
    pieces = [WORD] if name == "alpha" else claude_words()
    engine.script[0] = [*pieces, lambda: lab.cancel(kind), "stall"]
    answer = lab.ask(stream=True)
    assert answer.error["code"] == code
    assert answer.told[-1] == "abort"
    assert b"[DONE]" not in answer.body
    assert answer.kinds == [kind.value]
    assert "beta" not in lab.called


def test_a_stream_whose_client_left_gets_nothing_more(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [WORD, lambda: lab.cancel(Kind.CANCELLED), "stall"]
    answer = lab.ask(stream=True)
    assert answer.body == WORD
    assert answer.told == ["start", "write"], "the edge cuts the connection that is gone"
    assert answer.exchange.status == 499
    assert alpha.answers[0].closed


def test_a_call_that_dies_of_our_own_mistake_is_settled_all_the_same(lab):
    """Neither the key nor the target stays taken."""
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [lambda: 1 / 0]
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    state = next(iter(lab.registry.targets()))
    assert state.in_flight == 0
    assert lab.registry.keys(lab.providers["alpha"]).snapshot(lab.clock.now())[0].in_flight == 0


def claude_words() -> list[bytes]:
    events = [
        {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word"}},
    ]
    return [b"event: %b\ndata: %b\n\n" % (one["type"].encode(), orjson.dumps(one)) for one in events]
