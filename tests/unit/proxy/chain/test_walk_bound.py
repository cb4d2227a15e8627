"""Thinking bound to its provider: a live tool loop's own target first, and one mended attempt after a refusal of it."""

import orjson
import pytest

from proxy.config.values import BreakerSettings

REFUSAL = (400, {}, {"error": {"type": "invalid_request_error", "message": "Invalid `signature` in `thinking` block"}})
MINE, FOREIGN = "anthropic-messages|claude|large|", "anthropic-messages|other|large|"


def loop(origin=MINE, *, last="tool"):
    """A request that ends in a call's result, its call made by `origin`."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    thought = {"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "signature", "origin": origin}
    messages = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_details": [thought]},
        {"role": "tool", "tool_call_id": "c", "content": "yes"},
    ]
    if last == "user":
        messages.append({"role": "user", "content": "And now?"})
    return {"messages": messages}


def thoughts(call):
    """The types of the thinking blocks that a call carries."""
    blocks = [block for message in orjson.loads(call.body)["messages"] for block in message["content"]]
    return [block["type"] for block in blocks if block["type"].endswith("thinking")]


def play(engine, *behaviours):
    engine.script.clear()
    engine.script.extend(behaviours)


@pytest.mark.parametrize("stream", [False, True])
def test_a_live_loop_goes_first_to_where_its_calls_came_from(lab, stream):
    lab.chain("alpha", "claude")
    answer = lab.ask(loop(), stream=stream)
    assert (lab.called, answer.status) == (["claude"], 200)
    assert thoughts(lab.engines["claude"].calls[0]) == ["thinking"]


def test_when_that_target_fails_the_chain_is_walked_as_usual(lab):
    lab.chain("alpha", "beta", "claude")
    lab.engines["claude"].script[0] = 404
    assert lab.ask(loop()).status == 200
    assert lab.called == ["claude", "alpha"]


@pytest.mark.parametrize("body", [loop(FOREIGN), loop(last="user"), {}], ids=["of another", "over", "no loop"])
def test_any_other_request_keeps_to_the_chain(lab, body):
    lab.chain("alpha", "claude")
    lab.ask(body)
    assert lab.called == ["alpha"]


def test_a_model_that_is_not_sticky_keeps_to_its_chain(lab):
    lab.chain("alpha", "claude")
    lab.route("m", "alpha", "claude", sticky="none")
    lab.ask(loop())
    assert lab.called == ["alpha"]


def test_a_target_whose_breaker_is_open_gets_no_precedence(lab):
    lab.chain("alpha", "claude", breaker=BreakerSettings(consecutive_failures=1))
    play(lab.engines["claude"], 404, 503, "ok")
    lab.route("solo", "claude")
    lab.ask({"model": "solo", **loop()})
    lab.ask({"model": "solo", **loop()})
    lab.called.clear()
    lab.ask(loop())
    assert lab.called == ["alpha"]


def test_a_target_without_a_key_gets_no_precedence(lab):
    lab.chain("alpha", "claude")
    play(lab.engines["claude"], 401, "ok")
    lab.ask(loop())
    lab.called.clear()
    lab.ask(loop())
    assert lab.called == ["alpha"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_signature_is_left_out_and_the_target_asked_once_more(lab, stream):
    (claude,) = lab.chain("claude")
    play(claude, REFUSAL, "ok")
    answer = lab.ask(loop(), stream=stream)
    assert (answer.status, answer.kinds) == (200, ["refused", "ok"])
    assert list(map(thoughts, claude.calls)) == [["thinking"], []]
    assert lab.clock.slept == [], "nothing is waited for"
    assert "reasoning" in answer.headers["x-sidestep-translation"]
    assert lab.breaker("claude").snapshot(lab.clock.now()).failures == 0


def test_it_is_asked_only_once_more(lab):
    (claude,) = lab.chain("claude")
    claude.script[0] = REFUSAL
    answer = lab.ask(loop())
    assert (answer.status, len(claude.calls)) == (400, 2)


def test_a_refusal_of_a_request_without_thinking_stands(lab):
    (claude,) = lab.chain("claude")
    claude.script[0] = REFUSAL
    assert (lab.ask().status, len(claude.calls)) == (400, 1)


def test_the_second_attempt_counts_among_all_there_may_be(lab):
    lab.chain("claude", "alpha")
    play(lab.engines["claude"], REFUSAL, 500)
    lab.engines["alpha"].script[0] = 500
    lab.ask(loop())
    assert lab.called == ["claude"] * 3 + ["alpha"] * 3
