"""Calls for the rest of a paused answer that fail and are made again: how often, when, and what is told of it."""

import orjson
import pytest

from proxy.config.values import RetrySettings
from translators.faults import Kind
from translators.ir import Dialect

SEARCH = {"web_search_options": {}}
BUSY = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}
LIMITED = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}
LATER = (429, {"retry-after": "30"}, LIMITED)
SOON = (429, {"retry-after": "1"}, LIMITED)


def said(text: str, stop: str, *, stream: bool) -> list[bytes]:
    """One call's answer in Anthropic's dialect."""
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "m"}
    counts = {"input_tokens": 3, "output_tokens": 2}
    if not stream:
        whole = head | {"content": [{"type": "text", "text": text}], "stop_reason": stop, "usage": counts}
        return [orjson.dumps(whole)]
    events = [
        {"type": "message_start", "message": head | {"usage": counts}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return [b"event: %b\ndata: %b\n\n" % (one["type"].encode(), orjson.dumps(one)) for one in events]


@pytest.fixture(params=[False, True], ids=["unary", "stream"])
def stream(request) -> bool:
    return request.param


@pytest.fixture
def paused(lab, stream):
    """`paused(*faults)`: the answer of a request whose provider pauses once, fails so, and then goes on."""

    def ask(*faults, headers=None, **more):
        claude = lab.provider("claude", Dialect.ANTHROPIC_MESSAGES, **more)
        if "beta" not in lab.engines:
            lab.provider("beta")
        lab.route("m", "claude", "beta")
        claude.script.clear()
        claude.script += [said("one ", "pause_turn", stream=stream), *faults, said("two", "end_turn", stream=stream)]
        return lab.ask(SEARCH, stream=stream, headers=headers)

    return ask


def text_of(answer) -> str:
    if answer.told[0] == "answer":
        return answer.json["choices"][0]["message"]["content"]
    lines = [line[6:] for line in answer.body.split(b"\n") if line.startswith(b"data: {")]
    chunks = [orjson.loads(line) for line in lines]
    return "".join(c["delta"].get("content") or "" for one in chunks for c in one.get("choices") or ())


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ((503, {}, BUSY), "overloaded", 503),
        (SOON, "throttled", 429),
        (500, "server", 500),
        ("refuse", "connect", 0),
        ("cut", "protocol", 0),
        ("stall", "timeout", 0),
    ],
    ids=lambda one: str(one)[:12],
)
def test_a_fault_that_heals_costs_the_client_time_alone_and_is_told(lab, stream, paused, fault, kind, status):
    answer = paused(fault)
    assert text_of(answer) == "one two" and answer.told[-1] in ("answer", "finish")
    assert lab.called == ["claude"] * 3
    assert sorted(answer.kinds) == sorted(["ok", kind])
    (failed,) = [one for one in answer.exchange.attempts if one.kind == kind]
    assert (failed.target, failed.status, bool(failed.message)) == ("claude/large", status, True)
    assert ("claude", "large", kind) in lab.counted and ("claude", "large", "ok") in lab.counted
    assert [one.body for one in lab.engines["claude"].calls[1:]] == [lab.engines["claude"].calls[1].body] * 2


def test_a_short_wait_that_was_asked_for_is_kept_by_this_call_and_by_others(lab, paused):
    lab.clock.chance = lambda: 1.0
    paused(SOON)
    _, second, third = lab.engines["claude"].times
    assert third - second == pytest.approx(1.1)


def test_a_long_wait_ends_the_answer_and_others_keep_to_it(lab, stream, paused):
    answer = paused(LATER)
    if stream:
        assert (answer.told[-1], answer.error["code"]) == ("abort", "stream_cut")
        assert "claude/large broke off its answer" in answer.error["message"]
        assert lab.called == ["claude"] * 2
    else:
        assert text_of(answer) == "beta says hello"
    lab.ask()
    assert lab.called[-1] == "beta", "claude asked for thirty seconds"


def test_what_is_tried_again_is_bounded_by_the_targets_attempts_over_all_calls(lab, stream, paused):
    answer = paused(500, 500, 500)
    assert lab.called.count("claude") == 4, "one that paused, and three attempts at the rest of it less that one"
    assert (answer.told[-1] == "abort") is stream


def test_a_client_that_itself_retries_gets_one_attempt(lab, stream, paused):
    answer = paused(500, headers={"x-stainless-retry-count": "1"})
    assert lab.called.count("claude") == 2 and (answer.told[-1] == "abort") is stream


@pytest.mark.parametrize("fault", [(529, {}, BUSY), "stall"], ids=["overload", "silence"])
def test_overload_and_silence_are_borne_once(lab, paused, fault):
    paused(fault, fault)
    assert lab.called.count("claude") == 3


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (401, "authentication_error"), (404, "not_found_error")]
)
def test_what_no_retry_mends_is_not_tried_again(lab, paused, status, kind):
    paused((status, {}, {"type": "error", "error": {"type": kind, "message": "No"}}))
    assert lab.called.count("claude") == 2


def test_it_waits_no_longer_than_the_request_may(lab, paused):
    answer = paused(SOON, headers={"x-request-timeout": "0.5"})
    assert lab.called.count("claude") == 2 and answer.told[-1] in ("abort", "answer")
    assert lab.clock.slept == [], "a pause past the end is none"


def test_an_empty_retry_budget_ends_it(lab, paused):
    paused(500, retry=RetrySettings(budget_ratio=0.0, budget_min_per_s=0.0))
    assert lab.called.count("claude") == 2


def test_what_was_tried_again_in_vain_leaves_the_request_that_much_less(lab, stream, paused):
    lab.provider("beta").script[0] = 500
    paused(500, 500, retry=RetrySettings(max_total_attempts=3))
    assert lab.called == ["claude"] * 3 + ([] if stream else ["beta"]), "three attempts, and one call more"


def test_a_key_that_the_caller_brought_is_the_callers_own_matter(lab, paused):
    paused(SOON, client_key=True)
    assert lab.called.count("claude") == 2
    assert Kind.THROTTLED in [kind for _, _, kind in lab.counted]


@pytest.mark.usefixtures("traced")
def test_a_call_that_is_made_again_is_noted_within_its_attempt(paused):
    answer = paused((503, {}, BUSY))
    [attempt] = answer.exchange.trace.attempts
    [(when, kind)] = attempt.stumbles
    assert (attempt.kind, kind) == ("ok", "overloaded")
    assert attempt.began <= when <= attempt.ended
    assert answer.exchange.trace.finishes == ["stop"]
