"""Thinking and its signatures, which other gateways lost, blanked, mixed up or sent to a stranger."""

import orjson
import pytest

from tests.gateways.bridge import (
    CHAT,
    CLAUDE,
    GEMINI,
    RESPONSES,
    USER,
    asked,
    asked_again,
    blocks_of,
    called,
    chat_answer,
    claude_answer,
    claude_events,
    deltas_of,
    gemini_answer,
    profile,
    relayed,
    response_of,
    result,
    streamed,
    told,
)
from translators import anthropic_messages, openai_responses

SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""Google's word for a call that it did not make."""


def thought(text, signature):
    return {"type": "thinking", "thinking": text, "signature": signature}


def use(call_id):
    return {"type": "tool_use", "id": call_id, "name": "look_up", "input": {}}


def gemini_call(signature=None, name="look_up", **args):
    part = {"functionCall": {"name": name, "args": args}}
    return part if signature is None else part | {"thoughtSignature": signature}


def plain(message):
    """A chat client's echo of an answer: what every client keeps."""
    return {name: message[name] for name in ("role", "content", "tool_calls") if name in message} | {
        "tool_calls": [{name: call[name] for name in ("id", "type", "function")} for call in message["tool_calls"]]
    }


def results(message):
    return [result(call["id"]) for call in message["tool_calls"]]


def answered(upstream, answer):
    """The assistant's message as a chat client gets it."""
    return told(upstream, CHAT, answer)["choices"][0]["message"]


def model_parts(body):
    return [part for content in body["contents"] if content["role"] == "model" for part in content["parts"]]


def signatures(body):
    return [part.get("thoughtSignature") for part in model_parts(body)]


def thinking_of(body):
    blocks = [block for turn in body["messages"] if turn["role"] == "assistant" for block in turn["content"]]
    return [block for block in blocks if "thinking" in block["type"]]


# B#974 (maximhq/bifrost)
def test_what_gemini_thinks_is_a_reasoning_delta_and_no_text():
    events = [gemini_answer({"text": "Hm.", "thought": True}, finish=None), gemini_answer({"text": "Rain."})]
    deltas = deltas_of(streamed(GEMINI, CHAT, events))
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "Hm."
    assert "".join(delta.get("content") or "" for delta in deltas) == "Rain."
    thinking, text = blocks_of(streamed(GEMINI, CLAUDE, events))
    assert (thinking["type"], thinking["thinking"], text["text"]) == ("thinking", "Hm.", "Rain.")


# B#1437 (maximhq/bifrost)
@pytest.mark.parametrize("keeps", [True, False])
def test_a_signature_comes_back_to_its_part_wherever_that_stands(keeps):
    calls = [gemini_call(f"sig{at}" if at in (0, 21) else None, at=at) for at in range(25)]
    answer = gemini_answer(*calls)
    message = answered(GEMINI, answer)
    history = {"messages": [USER, message if keeps else plain(message), *results(message)]}
    body = asked(CHAT, GEMINI, history)[0] if keeps else asked_again(CHAT, GEMINI, orjson.dumps(answer), history)
    assert {at: one for at, one in enumerate(signatures(body)) if one} == {0: "sig0", 21: "sig21"}
    assert [part["functionCall"]["args"]["at"] for part in model_parts(body)] == list(range(25))


# B#2210 (maximhq/bifrost)
def test_a_client_that_drops_what_it_does_not_know_gets_through_its_second_turn():
    answer = claude_answer(thought("Hm.", "sig"), use("toolu_1"), stop="tool_use")
    echo = plain(answered(CLAUDE, answer))
    body = asked_again(CHAT, CLAUDE, orjson.dumps(answer), {"messages": [USER, echo, *results(echo)]})
    assert body["messages"][1]["content"] == [thought("Hm.", "sig"), use("toolu_1")]


# cloudflare/ai#502
def test_every_step_of_a_loop_keeps_its_own_signature():
    first, second = (answered(GEMINI, gemini_answer(gemini_call(one), gemini_call())) for one in ("sig1", "sig2"))
    history = [USER, first, *results(first), second, *results(second)]
    body, _ = asked(CHAT, GEMINI, {"messages": history})
    assert signatures(body) == ["sig1", None, "sig2", None]


# Portkey-AI/gateway#1442
def test_no_step_of_a_loop_reaches_gemini_without_a_signature_on_its_first_call():
    """Its own are its own; calls that another model made get Google's word for those."""
    own = answered(GEMINI, gemini_answer(gemini_call("sig"), gemini_call()))
    foreign = called("a", "b")
    history = [USER, foreign, *results(foreign), own, *results(own)]
    body, _ = asked(CHAT, GEMINI, {"messages": history}, call_signatures=True)
    assert signatures(body) == [SKIP, None, "sig", None]


# tashfeenahmed/freellmapi#493
def test_a_signature_survives_an_anthropic_client_and_the_ids_it_is_given():
    answer = gemini_answer(gemini_call("sig"), gemini_call())
    content = told(GEMINI, CLAUDE, answer)["content"]
    uses = [block for block in content if block["type"] == "tool_use"]
    assert len({block["id"] for block in uses}) == 2
    said = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": one["id"]} for one in uses]}
    history = [USER, {"role": "assistant", "content": uses}, said]
    body = asked_again(CLAUDE, GEMINI, orjson.dumps(answer), {"max_tokens": 9, "messages": history})
    assert signatures(body) == ["sig", None]


CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
DEEP = chat_answer("tool_calls", reasoning_content="Hm.", tool_calls=[CALL])


# anomalyco/opencode#24722
@pytest.mark.parametrize("client", [CHAT, CLAUDE])
def test_reasoning_that_a_model_must_have_back_comes_back_with_its_calls(client):
    if client == CHAT:
        history = {"messages": [USER, called("call_1"), result("call_1")]}
    else:
        said = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1"}]}]
        history = {"max_tokens": 9, "messages": [USER, {"role": "assistant", "content": [use("call_1")]}, *said]}
    body = asked_again(client, CHAT, orjson.dumps(DEEP), history, reasoning_replay=True)
    assert body["messages"][1]["reasoning_content"] == "Hm."
    kept, _ = asked(CHAT, CHAT, {"messages": [USER, answered(CHAT, DEEP), result("call_1")]}, reasoning_replay=True)
    assert kept["messages"][1]["reasoning_content"] == "Hm."


# strands-agents/harness-sdk#2704
def test_thinking_that_is_nothing_but_a_signature_survives():
    answer = claude_answer(thought("", "sig"), use("toolu_1"), stop="tool_use")
    message = answered(CLAUDE, answer)
    body, _ = asked(CHAT, CLAUDE, {"messages": [USER, message, *results(message)]})
    assert thinking_of(body) == [thought("", "sig")]
    events = claude_events(
        [thought("", ""), {"type": "signature_delta", "signature": "sig"}], [use("toolu_1")], stop="tool_use"
    )
    details = [one for delta in deltas_of(streamed(CLAUDE, CHAT, events)) for one in delta.get("reasoning_details", ())]
    assert [one["signature"] for one in details if "signature" in one] == ["sig"]


BLOCKS = [thought("one", "sig1"), {"type": "redacted_thinking", "data": "red"}, thought("two", "sig2")]


# crmne/ruby_llm#896
def test_blocks_of_thinking_keep_their_order_and_signatures():
    answer = claude_answer(*BLOCKS, use("toolu_1"), stop="tool_use")
    message = answered(CLAUDE, answer)
    assert thinking_of(asked(CHAT, CLAUDE, {"messages": [USER, message, *results(message)]})[0]) == BLOCKS
    echo = {"messages": [USER, plain(message), *results(message)]}
    assert thinking_of(asked_again(CHAT, CLAUDE, orjson.dumps(answer), echo)) == BLOCKS


STREAMED_BLOCKS = claude_events(
    [thought("", ""), {"type": "signature_delta", "signature": "sig1"}],
    [{"type": "redacted_thinking", "data": "red"}],
    [
        thought("", ""),
        {"type": "thinking_delta", "thinking": "two"},
        {"type": "signature_delta", "signature": "sig2"},
    ],
    [{"type": "text", "text": ""}, {"type": "text_delta", "text": "hi"}],
)


# L#38809 (BerriAI/litellm)
@pytest.mark.parametrize("way", [relayed, lambda _, events: streamed(CLAUDE, CLAUDE, events)])
def test_an_anthropic_client_gets_signed_thinking_without_text_as_a_block(way):
    first, second, third, _ = blocks_of(way(CLAUDE, STREAMED_BLOCKS))
    assert (first["type"], first["thinking"], first["signature"]) == ("thinking", "", "sig1")
    assert (second["type"], second["data"]) == ("redacted_thinking", "red")
    assert (third["thinking"], third["signature"]) == ("two", "sig2")


# langgenius/dify#41092
def test_thinking_survives_a_round_with_a_tool():
    """Unchanged, where its own maker is asked again."""
    turn = {"role": "assistant", "content": [*BLOCKS, use("toolu_1")]}
    said = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}]}
    body = {"model": "m", "max_tokens": 9, "messages": [USER, turn, said]}
    sent, report = anthropic_messages.relay_request(body, profile(), None)
    assert sent["messages"][1] == turn
    assert report.entries == []


# anthropics/claude-code#63269
def test_thinking_between_calls_keeps_its_text():
    interleaved = [thought("one", "sig1"), use("a"), thought("two", "sig2"), use("b")]
    content = told(CLAUDE, CLAUDE, claude_answer(*interleaved, stop="tool_use"))["content"]
    texts = [block["thinking"] for block in content if block["type"] == "thinking"]
    assert texts == ["one", "two"]
    message = answered(CLAUDE, claude_answer(*interleaved, stop="tool_use"))
    body, _ = asked(CHAT, CLAUDE, {"messages": [USER, message, *results(message)]})
    assert [block["thinking"] for block in thinking_of(body)] == ["one", "two"]


# openai/openai-agents-python#4155
def test_a_signature_stays_with_its_own_block():
    details = [
        one
        for delta in deltas_of(streamed(CLAUDE, CHAT, STREAMED_BLOCKS))
        for one in delta.get("reasoning_details", ())
    ]
    ends = {one["index"]: one.get("signature") or one["data"] for one in details if "signature" in one or "data" in one}
    texts = {one["index"]: one["text"] for one in details if one.get("text")}
    assert (ends, texts) == ({0: "sig1", 1: "red", 2: "sig2"}, {2: "two"})


# L#40364 (BerriAI/litellm)
@pytest.mark.parametrize("elsewhere", [{"provider": "q"}, {"account": "b"}, {"model": "n"}])
def test_encrypted_reasoning_goes_back_only_to_where_it_was_made(elsewhere):
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "blob"}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
    answer = response_of(reasoning, call)
    message = answered(RESPONSES, answer)
    history = {"messages": [USER, message, *results(message)]}
    own, report = asked(CHAT, RESPONSES, history)
    assert [item["encrypted_content"] for item in own["input"] if item.get("type") == "reasoning"] == ["blob"]
    assert report == {}
    body, report = asked(CHAT, RESPONSES, history, **elsewhere)
    assert not [item for item in body["input"] if item.get("type") == "reasoning"]
    assert "dropped" in report.values()
    marked = openai_responses.inspect_reply(orjson.dumps(answer), profile()).body
    echo = [item for item in orjson.loads(marked)["output"] if item["type"] == "reasoning"]
    relay = {"model": "m", "store": False, "input": [*echo, {"role": "user", "content": "go on"}]}
    assert openai_responses.relay_request(relay, profile(), None)[0]["input"][0]["encrypted_content"] == "blob"
    sent, _ = openai_responses.relay_request(relay, profile(**elsewhere), None)
    assert b"blob" not in orjson.dumps(sent)
