"""The commit: nothing is sent before the first content, and what happens on either side of it."""

import orjson
import pytest

CONTENT_TYPE = "text/event-stream; charset=utf-8"


def chunk(delta, finish=None, **more) -> bytes:
    body = {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}
    return b"data: " + orjson.dumps(body) + b"\n\n"


def event(name: str, **fields) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps({"type": name, **fields}))


ROLE = chunk({"role": "assistant", "content": ""})
WORD = chunk({"content": "word"})
CALL = chunk({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}]})
THOUGHT = chunk({"reasoning_content": "hm"})
STOP = chunk({}, "stop")
DONE = b"data: [DONE]\n\n"
USAGE = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
PING = b": ping\n\n"
ERROR = b'data: {"error":{"message":"Overloaded","code":"server_is_overloaded"}}\n\n'

MESSAGE = event("message_start", message={"id": "m", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}})
TEXT = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
THINKING = event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})
CLAUDE_WORD = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "word"})
CLAUDE_THOUGHT = event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"})
CLAUDE_PING = event("ping")
CLAUDE_ERROR = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def watched(lab, *pieces: bytes):
    """The pieces, with what the client had been told after each; and the list of that."""
    seen: list[list[str]] = []
    script = []
    for piece in pieces:
        script += [piece, lambda: seen.append(list(lab.current[0].out.told))]
    return script, seen


@pytest.mark.parametrize(
    ("name", "held", "first"),
    [
        ("alpha", [ROLE, PING, PING], WORD),
        ("alpha", [ROLE, USAGE], CALL),
        ("alpha", [PING, ROLE], THOUGHT),
        ("alpha", [ROLE], STOP),
        ("claude", [MESSAGE, CLAUDE_PING, TEXT], CLAUDE_WORD),
        ("claude", [MESSAGE, CLAUDE_PING, THINKING], CLAUDE_THOUGHT),
    ],
    ids=["text", "a tool call", "reasoning", "a finish", "translated text", "translated thinking"],
)
def test_nothing_is_sent_before_the_first_content(lab, name, held, first):
    """Roles, pings, usage and a message's start commit nothing; text, calls, reasoning and the finish do."""
    (engine,) = lab.chain(name)
    engine.script[0], seen = watched(lab, *held, first)
    lab.ask(stream=True)
    assert seen[:-1] == [[]] * len(held)
    assert seen[-1] == ["start", "write"]


def test_headers_are_sent_once_with_who_serves_and_how_it_came_to_that(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = [ROLE, "cut"]
    beta.script[0] = [ROLE, WORD, WORD, STOP, DONE]
    answer = lab.ask(stream=True)
    assert answer.told.count("start") == 1 and answer.told[-1] == "finish"
    assert answer.status == 200
    assert answer.headers == {
        "content-type": CONTENT_TYPE,
        "cache-control": "no-cache",
        "x-request-id": "req_1",
        "x-sidestep-provider": "beta",
        "x-sidestep-model": "large",
        "x-sidestep-attempts": ", ".join(["alpha/large;protocol;200;0"] * 3 + ["beta/large;ok;200;0"]),
    }


BEFORE = {
    "cut": [b'data: {"id":"first","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n', "cut"],
    "truncated": [b'data: {"id":"first","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'],
    "nothing at all": [],
    "only the end": [DONE],
    "an error event": [b'data: {"id":"first","choices":[]}\n\n', ERROR],
    "an error in the same piece as the first content": [b'data: {"id":"first","choices":[]}\n\n' + WORD + ERROR],
    "garbage in the same piece as the first content": [b"first\n\n" + WORD + b"data: first\n\n"],
}


@pytest.mark.parametrize("name", BEFORE)
def test_what_fails_before_the_commit_leaves_no_trace_in_the_answer(lab, name):
    alpha, _ = lab.chain("alpha", "claude")
    alpha.script[0] = BEFORE[name]
    answer = lab.ask(stream=True)
    assert answer.headers["x-sidestep-provider"] == "claude"
    assert b"first" not in answer.body and b"word" not in answer.body
    assert answer.body.endswith(DONE)
    assert answer.exchange.fault is None


@pytest.mark.parametrize("name", ["alpha", "claude"])
def test_an_overloaded_event_before_the_commit_is_tried_once_more_and_fails_over(lab, name):
    first, _ = lab.chain(name, "beta")
    first.script[0] = [MESSAGE, CLAUDE_ERROR] if name == "claude" else [ROLE, ERROR]
    assert lab.ask(stream=True).kinds == ["overloaded", "overloaded", "ok"]


AFTER = {
    "cut": ([WORD, "cut"], "protocol"),
    "truncated": ([WORD], "protocol"),
    "an end without a finish": ([WORD, DONE], "protocol"),
    "an error event": ([WORD, ERROR], "overloaded"),
    "garbage": ([WORD, b"data: {half\n\n"], "protocol"),
    "words after the end": ([WORD, STOP, WORD], "protocol"),
    "silence": ([WORD, "stall"], "timeout"),
}


@pytest.mark.parametrize("name", AFTER)
def test_what_fails_after_the_commit_is_told_and_the_connection_is_cut(lab, name):
    """No regular end, no other target, and the attempt is known for what it was."""
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0], kind = AFTER[name]
    answer = lab.ask(stream=True)
    assert b'"word"' in answer.body
    assert b"[DONE]" not in answer.body
    assert (answer.error["type"], answer.error["code"]) == ("server_error", "stream_cut")
    assert answer.error["message"].startswith("alpha/large broke off its answer: ")
    assert answer.told[-1] == "abort" and answer.told.count("start") == 1
    assert answer.kinds == [kind]
    assert answer.exchange.fault.kind.value == kind
    assert lab.counted == [("alpha", "large", kind)]
    assert lab.breaker("alpha").snapshot(lab.clock.now()).failures == 1
    assert not beta.calls


def test_a_translated_stream_that_breaks_is_told_in_the_clients_dialect(lab):
    (claude,) = lab.chain("claude")
    claude.script[0] = [MESSAGE, TEXT, CLAUDE_WORD, CLAUDE_ERROR]
    answer = lab.ask(stream=True)
    assert answer.error["code"] == "stream_cut"
    assert b"[DONE]" not in answer.body and answer.told[-1] == "abort"


def test_content_that_came_in_the_same_piece_as_the_failure_is_still_passed_on(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [WORD, chunk({"content": "last"}) + ERROR]
    assert b'"last"' in lab.ask(stream=True).body


def test_a_content_filter_after_the_commit_keeps_its_own_words(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [WORD, b'data: {"error":{"message":"Not that.","code":"content_policy_violation"}}\n\n']
    error = lab.ask(stream=True).error
    assert (error["message"], error["code"]) == ("Not that.", "content_policy_violation")


@pytest.mark.parametrize("name", ["alpha", "claude"])
def test_the_usage_is_taken_from_any_answer_whole_or_broken(lab, name):
    (engine,) = lab.chain(name)
    for stream in (False, True):
        usage = lab.ask(stream=stream).exchange.usage
        assert (usage.input, usage.output) == (3, 2)
    engine.script[0] = [MESSAGE, TEXT, CLAUDE_WORD, "cut"] if name == "claude" else [USAGE, WORD, "cut"]
    assert lab.ask(stream=True).exchange.usage.input == 3


def test_the_usage_of_an_attempt_that_came_to_nothing_is_not_the_answers(lab):
    claude, alpha = lab.chain("claude", "alpha")
    claude.script[0] = [MESSAGE, "cut"]
    alpha.script[0] = [WORD, STOP, DONE]
    assert lab.ask(stream=True).exchange.usage is None
    alpha.script[0] = "cut"
    assert lab.ask(stream=True).exchange.usage is None


def test_the_first_token_is_timed_at_the_commit_and_upstream_time_ends_there(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [ROLE, 2.0, WORD, 5.0, STOP, DONE]
    exchange = lab.ask(stream=True).exchange
    assert (exchange.first_token, exchange.upstream_s) == (1002, pytest.approx(2))


@pytest.mark.parametrize(("route", "pings"), [("messages", 2), ("chat", 0)])
def test_a_stream_that_falls_silent_is_kept_alive_in_the_dialects_that_have_a_word_for_it(lab, route, pings):
    """And before its first content nothing is sent, however silent it is."""
    (engine,) = lab.chain("alpha")
    engine.script[0] = [ROLE, PING, 25, PING, WORD, PING, 20, PING, 20, STOP, DONE]
    answer = lab.ask(stream=True, route=route)
    assert answer.told[-1] == "finish"
    assert [piece for piece in answer.pieces if piece.startswith(b"event: ping")] == [CLAUDE_PING_TOLD] * pings
    assert b"word" in answer.pieces[0]


CLAUDE_PING_TOLD = b'event: ping\ndata: {"type": "ping"}\n\n'
