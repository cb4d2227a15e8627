"""Conversations that other gateways sent on in a shape that the next provider refuses or misreads."""

import pytest

from tests.gateways.bridge import (
    CHAT,
    CLAUDE,
    GEMINI,
    RESPONSES,
    USER,
    asked,
    called,
    profile,
    response_of,
    result,
    said_item,
    told,
)
from translators import openai_responses

IDS = [f"call_{number}" for number in range(5)]


def types(turn):
    return [block["type"] for block in turn["content"]]


# MoonshotAI/kosong#45
def test_results_of_parallel_calls_are_one_user_turn():
    body, _ = asked(CHAT, CLAUDE, {"messages": [USER, called(*IDS), *map(result, IDS)]})
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == IDS


def test_results_of_parallel_calls_are_one_content_of_gemini():
    body, _ = asked(CHAT, GEMINI, {"messages": [USER, called(*IDS), *map(result, IDS)]})
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert [part["functionResponse"]["name"] for part in body["contents"][2]["parts"]] == ["look_up"] * 5


# OpenHands/OpenHands#7512
def test_a_call_without_a_result_is_answered_with_an_error_and_that_is_reported():
    body, report = asked(CHAT, CLAUDE, {"messages": [USER, called("a", "b"), result("a"), USER]})
    first, second, said = body["messages"][2]["content"]
    assert (first["tool_use_id"], second["tool_use_id"], second["is_error"]) == ("a", "b", True)
    assert said["text"] == "hello"
    assert report == {"items[2]": "approximated"}


# 1jehuang/jcode#276
def test_results_with_images_stay_in_the_one_user_turn_that_answers():
    body, report = asked(
        CLAUDE,
        CLAUDE,
        {
            "max_tokens": 9,
            "messages": [
                USER,
                {"role": "assistant", "content": [tool_use("a"), tool_use("b")]},
                {"role": "user", "content": [tool_result("a", picture()), tool_result("b", picture())]},
            ],
        },
    )
    assert [types(turn) for turn in body["messages"][1:]] == [["tool_use"] * 2, ["tool_result"] * 2]
    assert [block["content"] for block in body["messages"][2]["content"]] == [[picture()]] * 2
    assert report == {}


# Zoo-Code-Org/Zoo-Code#1705
def test_an_image_among_results_does_not_part_them():
    """Its place is behind all of them, whatever the client's order was."""
    given = [tool_result("a", "x"), picture(), tool_result("b", "y")]
    history = [
        USER,
        {"role": "assistant", "content": [tool_use("a"), tool_use("b")]},
        {"role": "user", "content": given},
    ]
    body, _ = asked(CLAUDE, CLAUDE, {"max_tokens": 9, "messages": history})
    assert types(body["messages"][2]) == ["tool_result", "tool_result", "image"]
    chat, _ = asked(CLAUDE, CHAT, {"max_tokens": 9, "messages": history})
    assert [message["role"] for message in chat["messages"]] == ["user", "assistant", "tool", "tool", "user"]


def tool_use(call_id, name="look_up"):
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}


def tool_result(call_id, content):
    return {
        "type": "tool_result",
        "tool_use_id": call_id,
        "content": [content] if isinstance(content, dict) else content,
    }


def picture():
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0="}}


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "url": "https://a.test", "title": "A", "encrypted_content": "e"}],
}
MIXED = {
    "max_tokens": 9,
    "tools": [
        {"type": "web_search_20250305", "name": "web_search"},
        {"name": "look_up", "input_schema": {"type": "object"}},
    ],
    "messages": [
        USER,
        {"role": "assistant", "content": [{"type": "text", "text": "one"}, SEARCH, FOUND, tool_use("toolu_1")]},
        {"role": "user", "content": [tool_result("toolu_1", "rain")]},
    ],
}


# vercel/ai#8112
def test_a_turn_with_a_servers_and_a_clients_tool_is_replayed_with_both():
    body, _ = asked(CLAUDE, CLAUDE, MIXED)
    assert body["messages"][1]["content"] == MIXED["messages"][1]["content"]
    assert types(body["messages"][2]) == ["tool_result"]


# vercel/ai#13013
def test_a_clients_call_stands_behind_the_servers_tools():
    """Whatever order the client kept them in, or the answer comes back refused."""
    turn = [tool_use("toolu_1"), {"type": "text", "text": "one"}, SEARCH, FOUND]
    messages = [USER, {"role": "assistant", "content": turn}, MIXED["messages"][2]]
    body, _ = asked(CLAUDE, CLAUDE, MIXED | {"messages": messages})
    assert types(body["messages"][1]) == ["text", "server_tool_use", "web_search_tool_result", "tool_use"]


# vllm-project/vllm#34745
def test_a_result_names_the_call_it_answers():
    body, _ = asked(CLAUDE, CHAT, MIXED | {"messages": [USER, turn_of("toolu_1"), MIXED["messages"][2]]})
    assert body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"] == "toolu_1"


def turn_of(*ids):
    return {"role": "assistant", "content": [tool_use(one) for one in ids]}


# deepseek-ai/DeepSeek-V3#967
@pytest.mark.parametrize("target", [CHAT, CLAUDE])
def test_every_earlier_call_keeps_its_result(target):
    """Also where a client counts its calls from one in every turn."""
    rounds = [one for ids in (("a", "b"), ("c",), ("a",)) for one in (called(*ids), *(result(id_, id_) for id_ in ids))]
    body, _ = asked(CHAT, target, {"messages": [USER, *rounds]})
    pairs = [pair for message in body["messages"] for pair in pairs_of(message)]
    ids = [call_id for call_id, said in pairs if said is None]
    assert len(ids) == len(set(ids)) == 4
    results = [(call_id, said) for call_id, said in pairs if said is not None]
    assert results == list(zip(ids, ["a", "b", "c", "a"], strict=True))


def pairs_of(message):
    """The calls of a message, and the results with what they say."""
    if message["role"] == "tool":
        return [(message["tool_call_id"], message["content"])]
    blocks = message["content"] if isinstance(message["content"], list) else ()
    uses = [(block["id"], None) for block in blocks if block["type"] == "tool_use"]
    uses += [(call["id"], None) for call in message.get("tool_calls") or ()]
    return uses + [
        (block["tool_use_id"], block["content"][0]["text"]) for block in blocks if block["type"] == "tool_result"
    ]


# L#18226 (BerriAI/litellm)
@pytest.mark.parametrize("text", ["rain", '[{"type":"text","text":"x"}]', '{"a":1}', ""])
def test_a_tools_output_that_is_text_stays_that_text(text):
    body, _ = asked(CHAT, RESPONSES, {"messages": [USER, called("a"), result("a", text)]})
    assert body["input"][-1] == {"type": "function_call_output", "call_id": "a", "output": text}
    back, _ = asked(RESPONSES, CHAT, {"input": body["input"]})
    assert back["messages"][-1]["content"] == text


# L#37299 (BerriAI/litellm)
def test_a_preamble_and_an_answer_are_one_choice_with_the_answer_in_sight():
    said = [said_item("Let me see.", phase="commentary"), said_item("It rains.", phase="final_answer")]
    [choice] = told(RESPONSES, CHAT, response_of(*said))["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("It rains.", "stop")
    assert choice["message"]["reasoning_content"] == "Let me see."
    [block] = [one for one in told(RESPONSES, CLAUDE, response_of(*said))["content"] if one["type"] == "text"]
    assert block["text"] == "It rains."


# B#5410 (maximhq/bifrost)
def test_reasoning_of_an_answer_that_nobody_stores_is_replayed_by_content_not_by_id():
    items = [
        {"type": "reasoning", "id": "rs_sidestep_a_0", "summary": []},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sidestep.encrypted.eA==.blob"},
        {
            "type": "message",
            "id": "msg_sidestep_a_1",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "x"}],
        },
        {"role": "user", "content": "go on"},
    ]
    relayed, _ = openai_responses.relay_request({"model": "m", "store": False, "input": items}, profile(), None)
    assert relayed["input"] == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
        {"role": "user", "content": "go on"},
    ]
    body, _ = asked(CHAT, RESPONSES, {"messages": [USER, called("a"), result("a")]})
    assert body["store"] is False
    assert not any("id" in item for item in body["input"])


# mnfst/llm-gateway#2721
@pytest.mark.parametrize("target", [CHAT, CLAUDE, GEMINI])
def test_reasoning_alone_never_becomes_an_empty_user_message(target):
    history = [
        {"role": "user", "content": "hello"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "blob"},
        {"role": "user", "content": "go on"},
    ]
    body, _ = asked(RESPONSES, target, {"input": history})
    turns = body.get("messages") or body["contents"]
    texts = [part["text"] for turn in turns for part in parts_of(turn)]
    assert {turn["role"] for turn in turns} == {"user"}
    assert texts == ["hello", "go on"]


def parts_of(turn):
    content = turn.get("content", turn.get("parts"))
    return [{"text": content}] if isinstance(content, str) else content


# ollama/ollama#17774
@pytest.mark.parametrize("target", [CHAT, CLAUDE, GEMINI])
def test_a_system_message_in_mid_conversation_is_user_text_where_it_may_not_stand(target):
    history = [{"role": "system", "content": "be brief"}, USER, {"role": "assistant", "content": "hi"}]
    history += [{"role": "system", "content": "be rude"}, USER]
    body, report = asked(CHAT, target, {"messages": history}, system_anywhere=False)
    turns = body.get("messages") or body["contents"]
    assert "system" not in [turn["role"] for turn in turns[1:]]
    [downgraded] = [part["text"] for turn in turns for part in parts_of(turn) if "be rude" in part.get("text", "")]
    assert downgraded.startswith("<system>")
    assert set(report.values()) == {"approximated"}
    kept, report = asked(CHAT, CHAT, {"messages": history})
    assert ([one["role"] for one in kept["messages"]], report) == (
        ["system", "user", "assistant", "system", "user"],
        {},
    )
