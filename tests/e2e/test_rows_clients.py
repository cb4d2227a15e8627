"""Rows of what Responses' and Anthropic's clients say, towards providers of other dialects, through the whole proxy.

Each row is a request, what of it the provider must be sent, and what the client is told was not said as it stands.
"""

import pytest

from tests.e2e.canned import canned
from tests.e2e.test_half_characters import WHOLE, filled

OK = {name: filled(body, half=b"ok") for name, body in WHOLE.items()}
VENDORS = """
[providers.anthropic]
vendor = "anthropic"
base_url = "{url}"
keys = ["env:CANNED_KEY"]
[providers.google]
vendor = "gemini"
base_url = "{url}"
keys = ["env:CANNED_KEY"]
[models.claude]
chain = ["anthropic/claude-opus-4-8"]
[models.google]
chain = ["google/gemini-3.6-flash"]
"""
TALKS = {"claude": "messages", "google": "gemini", "chat": "chat", "responses": "responses"}
"""Model -> the dialect that its provider is asked in."""
U = {"role": "user", "content": "hi"}
TEXT = [{"type": "text", "text": "hi"}]
FLAT = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
CALLS = [{"type": "function_call", "call_id": one, "name": "f", "arguments": "{}"} for one in ("a", "a")]
RESULTS = [{"type": "function_call_output", "call_id": "a", "output": one} for one in ("1", "2")]
PDF = {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}
SEARCH = {"type": "web_search", "user_location": {"type": "approximate", "city": "Bern"}}
ALLOWED = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
SYSTEMS = {"instructions": "I", "input": [{"role": "developer", "content": "D"}, U]}
LATER = {"input": [U, {"role": "assistant", "content": "a"}, U, {"role": "system", "content": "S"}]}
TWICE = {"tools": [FLAT], "input": [U, *CALLS, *RESULTS]}
REFUSED = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}

RESPONSES = [
    ("claude", SYSTEMS, {"system": [{"type": "text", "text": "I"}, {"type": "text", "text": "D"}]}, ""),
    ("google", SYSTEMS, {"systemInstruction": {"parts": [{"text": "I"}, {"text": "D"}]}}, ""),
    ("chat", SYSTEMS, {"messages": [{"role": "developer", "content": one} for one in "ID"] + [U]}, ""),
    (
        "claude",
        LATER,
        {"messages.2": {"role": "user", "content": TEXT}, "messages.3.role": "system"},
        "",
    ),
    ("google", LATER, {"contents.2.parts.1": {"text": "<system>\nS\n</system>"}}, "approximated=input[3].role"),
    ("claude", TWICE, {"messages.1.content.1.id": "a_2", "messages.2.content.1.tool_use_id": "a_2"}, ""),
    ("google", TWICE, {"contents.2.parts.1.functionResponse.response": {"output": "2"}}, ""),
    ("chat", TWICE, {"messages.1.tool_calls.1.id": "a_2", "messages.3.tool_call_id": "a_2"}, ""),
    (
        "claude",
        {"input": [{"role": "user", "content": [PDF]}]},
        {"messages.0.content.0.type": "document", "messages.0.content.0.title": "a.pdf"},
        "",
    ),
    (
        "google",
        {"input": [{"role": "user", "content": [PDF]}]},
        {"contents.0.parts.0.inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
        "dropped=input[0].content[0].filename",
    ),
    ("chat", {"input": [U, REFUSED, U]}, {"messages.1.content.0": {"type": "refusal", "refusal": "no"}}, ""),
    ("claude", {"input": [U, REFUSED, U]}, {"messages.1.content.0.text": "no"}, "approximated=input[1].content[0]"),
    ("claude", {"tools": [FLAT], "tool_choice": "required"}, {"tool_choice": {"type": "any"}}, ""),
    (
        "google",
        {"tools": [FLAT], "tool_choice": {"type": "function", "name": "f"}},
        {"toolConfig.functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "",
    ),
    (
        "google",
        {"tools": [FLAT], "tool_choice": ALLOWED},
        {"toolConfig.functionCallingConfig": {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}},
        "",
    ),
    (
        "claude",
        {"tools": [FLAT], "tool_choice": ALLOWED},
        {"tool_choice": {"type": "auto"}},
        "approximated=tool_choice",
    ),
    (
        "claude",
        {"tools": [FLAT], "parallel_tool_calls": False},
        {"tool_choice.disable_parallel_tool_use": True},
        "",
    ),
    ("claude", {"temperature": 0.5}, {"temperature": None}, "dropped=temperature"),
    (
        "google",
        {"text": {"format": {"type": "json_object"}}},
        {"generationConfig.responseMimeType": "application/json"},
        "",
    ),
    ("claude", {"text": {"format": {"type": "json_object"}}}, {}, "approximated=text.format"),
    ("claude", {"reasoning": {"effort": "minimal"}}, {"output_config.effort": "low"}, "clamped=reasoning.effort"),
    (
        "google",
        {"reasoning": {"effort": "xhigh"}},
        {"generationConfig.thinkingConfig.thinkingLevel": "HIGH"},
        "clamped=reasoning.effort",
    ),
    ("claude", {"service_tier": "default"}, {"service_tier": "standard_only"}, ""),
    ("claude", {"safety_identifier": "s"}, {"metadata.user_id": "s"}, ""),
    ("claude", {"tools": [SEARCH]}, {"tools.0.user_location.city": "Bern"}, "approximated=tools"),
    ("google", {"tools": [{"type": "web_search"}]}, {"tools.0": {"googleSearch": {}}}, ""),
    ("chat", {"reasoning": {"summary": "auto"}}, {"reasoning": None}, "dropped=reasoning.summary"),
]

USE = [{"type": "tool_use", "id": one, "name": "f", "input": {}} for one in ("t1", "t2")]
GIVEN = [
    {"type": "tool_result", "tool_use_id": "t1", "content": '{"a":1}'},
    {"type": "tool_result", "tool_use_id": "t2", "content": "bad", "is_error": True},
    {"type": "text", "text": "go on"},
]
ROUND = {"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]}
ROUND |= {"messages": [U, {"role": "assistant", "content": USE}, {"role": "user", "content": GIVEN}]}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
SHOWN = {"type": "tool_result", "tool_use_id": "t1", "content": [PICTURE]}
SEEN = {**ROUND, "messages": [U, {"role": "assistant", "content": USE[:1]}, {"role": "user", "content": [SHOWN]}]}
TOOL = ROUND["tools"]

MESSAGES = [
    (
        "google",
        ROUND,
        {
            "contents.2.parts.0.functionResponse.response": {"a": 1},
            "contents.2.parts.1.functionResponse.response": {"error": "bad"},
            "contents.2.parts.2": {"text": "go on"},
        },
        "",
    ),
    (
        "responses",
        ROUND,
        {"input.3.output": '{"a":1}', "input.4.output": "Error: bad", "input.5.content": "go on"},
        "approximated=messages.2.content.1.is_error",
    ),
    ("google", SEEN, {"contents.2.parts.0.functionResponse.parts.0.inlineData.data": "AAAA"}, ""),
    ("responses", SEEN, {"input.2.output.0.type": "input_image"}, ""),
    ("google", {"tools": TOOL, "tool_choice": {"type": "any"}}, {"toolConfig.functionCallingConfig.mode": "ANY"}, ""),
    (
        "responses",
        {"tools": TOOL, "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}},
        {"tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False},
        "",
    ),
    ("responses", {"tools": TOOL, "tool_choice": {"type": "none"}}, {"tool_choice": "none"}, ""),
    ("google", {"thinking": {"type": "between_tools"}}, {}, "dropped=thinking.type"),
    (
        "google",
        {"thinking": {"type": "disabled"}},
        {"generationConfig.thinkingConfig.thinkingLevel": "LOW"},
        "approximated=thinking",
    ),
    (
        "responses",
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
        {"reasoning": {"effort": "low", "summary": "auto"}},
        "",
    ),
    ("responses", {"stop_sequences": ["x"]}, {}, "dropped=stop_sequences"),
    ("google", {"stop_sequences": ["x"]}, {"generationConfig.stopSequences": ["x"]}, ""),
    ("responses", {"max_tokens": 5}, {"max_output_tokens": 16}, "clamped=max_tokens"),
    ("responses", {"metadata": {"user_id": "u"}}, {"user": "u"}, ""),
    ("responses", {"service_tier": "standard_only"}, {"service_tier": "default"}, ""),
    ("google", {"service_tier": "standard_only"}, {"serviceTier": "standard"}, ""),
    (
        "chat",
        {"tools": [{"type": "web_search_20250305", "name": "web_search", "user_location": SEARCH["user_location"]}]},
        {"web_search_options.user_location": {"type": "approximate", "approximate": {"city": "Bern"}}},
        "",
    ),
    (
        "responses",
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools.0": {"type": "web_search"}},
        "",
    ),
]


@pytest.fixture(scope="module")
async def world(tmp_path_factory):
    async with canned(tmp_path_factory.mktemp("rows"), VENDORS) as made:
        yield made


def at(body, path):
    """What is at a path of names and places; None where nothing is."""
    for step in path.split("."):
        if isinstance(body, list):
            body = body[int(step)] if int(step) < len(body) else None
        else:
            body = (body or {}).get(step)
    return body


async def holds(world, client, row, common):
    model, asked, sent, lost = row
    world.says(OK[TALKS[model]])
    answer = await world.ask(client, {"model": model, **common, **asked})
    assert (answer.status_code, answer.headers.get("x-sidestep-translation", "")) == (200, lost)
    assert {path: at(world.heard[0], path) for path in sent} == sent


@pytest.mark.parametrize("row", RESPONSES, ids=lambda row: f"{row[0]}-{next(iter(row[1]))}")
async def test_what_a_responses_client_says_reaches_others(world, row):
    await holds(world, "responses", row, {"input": "hi"})


@pytest.mark.parametrize("row", MESSAGES, ids=lambda row: f"{row[0]}-{next(iter(row[1]))}")
async def test_what_an_anthropic_client_says_reaches_others(world, row):
    await holds(world, "messages", row, {"max_tokens": 99, "messages": [U]})


async def test_two_calls_of_one_id_reach_a_client_as_two(world):
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": one}} for one in ('{"a":1}', "{}")]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    whole = {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    world.says(whole)
    asked = {"model": "chat", "max_tokens": 9, "messages": [U], "tools": TOOL}
    content = (await world.ask("messages", asked)).json()["content"]
    assert [(one["id"], one["input"]) for one in content] == [("c", {"a": 1}), ("c_2", {})]


async def test_a_part_that_only_its_vendor_knows_leaves_no_turn_of_nothing(world):
    world.says(OK["chat"])
    kept = {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}
    answer = await world.ask("responses", {"model": "chat", "input": [U, kept, U]}, x_sidestep_mode="lenient")
    assert answer.headers["x-sidestep-translation"] == "dropped=input[1]"
    assert world.heard[0]["messages"] == [U, U]
