"""No call is billed for more input than its bound."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.tokens.bound import PER_IMAGE, PER_REQUEST, PER_TOOLS, UNBOUND, UNSEEN, worst_input
from translators.ir import Dialect
from translators.profile import Profile

CHAT, COMPLETIONS, RESPONSES = Dialect.OPENAI_CHAT, Dialect.OPENAI_COMPLETIONS, Dialect.OPENAI_RESPONSES
MESSAGES, GEMINI = Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
PIXEL = "data:image/png;base64,"
FUNCTION = {"type": "function", "function": {"name": "f", "description": "d" * 500, "parameters": {"type": "object"}}}


def most(dialect, fields, **profile):
    return worst_input(orjson.dumps(fields), fields, dialect, Profile(**profile))


def said(dialect, *parts, **more):
    """A conversation of one message with these parts, in the dialect's own form."""
    if dialect is GEMINI:
        return {"contents": [{"role": "user", "parts": list(parts)}], **more}
    name = "input" if dialect is RESPONSES else "messages"
    return {"model": "m", name: [{"role": "user", "content": list(parts)}], **more}


def plain(dialect, text, **more):
    if dialect is GEMINI:
        return said(GEMINI, {"text": text}, **more)
    if dialect is COMPLETIONS:
        return {"model": "m", "prompt": text, **more}
    name = "input" if dialect is RESPONSES else "messages"
    return {"model": "m", name: [{"role": "user", "content": text}], **more}


@pytest.mark.parametrize("dialect", Dialect)
@given(text=TEXT)
@settings(max_examples=40)
def test_every_byte_of_text_counts(dialect, text):
    assert most(dialect, plain(dialect, text)) >= len(text.encode()) + PER_REQUEST


@pytest.mark.parametrize("dialect", Dialect)
def test_the_bound_is_not_wildly_above_the_text(dialect):
    assert most(dialect, plain(dialect, "x" * 4000)) < 4000 + PER_REQUEST + 200


@pytest.mark.parametrize("dialect", Dialect)
def test_no_input_exceeds_the_context_window(dialect):
    assert most(dialect, plain(dialect, "x" * 4000), context_window=1000) == 1000


IMAGES = [
    (CHAT, lambda data: {"type": "image_url", "image_url": {"url": PIXEL + data}}),
    (CHAT, lambda data: {"type": "image_url", "image_url": PIXEL + data}),
    (RESPONSES, lambda data: {"type": "input_image", "image_url": PIXEL + data}),
    (MESSAGES, lambda data: {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}),
    (
        MESSAGES,
        lambda data: {
            "type": "tool_result",
            "tool_use_id": "1",
            "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}],
        },
    ),
    (GEMINI, lambda data: {"inlineData": {"mimeType": "image/png", "data": data}}),
    (
        GEMINI,
        lambda data: {
            "functionResponse": {"name": "f", "parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}
        },
    ),
]


@pytest.mark.parametrize(("dialect", "image"), IMAGES)
def test_an_image_costs_a_constant_whatever_its_bytes(dialect, image):
    """A small file may be a large picture, and the other way round."""
    small = most(dialect, said(dialect, image("A")))
    assert small == most(dialect, said(dialect, image("A" * 1_000_000)))
    assert small >= PER_IMAGE
    assert small < 2 * PER_IMAGE


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (CHAT, said(CHAT, {"type": "file", "file": {"file_id": "file-1"}})),
        (CHAT, said(CHAT, {"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}})),
        (CHAT, said(CHAT, {"type": "of next year"})),
        (CHAT, said(CHAT, {"untyped": 1})),
        (CHAT, said(CHAT, "no object")),
        (CHAT, plain(CHAT, "x", web_search_options={})),
        (CHAT, {"model": "m", "messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}),
        (CHAT, {"model": "m", "input": [{"image": "x"}]}),
        (RESPONSES, said(RESPONSES, {"type": "input_file", "file_id": "file-1"})),
        (RESPONSES, {"model": "m", "input": [{"type": "item_reference", "id": "x"}]}),
        (RESPONSES, plain(RESPONSES, "x", previous_response_id="resp_1")),
        (RESPONSES, plain(RESPONSES, "x", conversation="conv_1")),
        (MESSAGES, said(MESSAGES, {"type": "document", "source": {"type": "base64", "data": "JVBERi0"}})),
        (MESSAGES, said(MESSAGES, {"type": "document", "source": {"type": "url", "url": "https://x.example/"}})),
        (MESSAGES, said(MESSAGES, {"type": "container_upload", "file_id": "x"})),
        (MESSAGES, plain(MESSAGES, "x", container="c_1")),
        (MESSAGES, plain(MESSAGES, "x", system=[{"type": "of next year"}])),
        (GEMINI, said(GEMINI, {"fileData": {"fileUri": "gs://x", "mimeType": "image/png"}})),
        (GEMINI, said(GEMINI, {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}})),
        (GEMINI, plain(GEMINI, "x", cachedContent="cachedContents/1")),
        (GEMINI, plain(GEMINI, "x", systemInstruction={"parts": [{"fileData": {"fileUri": "x"}}]})),
    ],
)
def test_what_is_not_in_the_request_may_fill_the_window(dialect, fields):
    assert most(dialect, fields, context_window=200_000) == 200_000
    assert most(dialect, fields) == UNSEEN


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (CHAT, said(CHAT, {"type": "text", "text": "x"}, {"type": "input_audio", "input_audio": {"data": "AAAA"}})),
        (CHAT, plain(CHAT, "x", tools=[{"function": {"name": "f"}}])),
        (RESPONSES, {"model": "m", "input": "x"}),
        (RESPONSES, {"model": "m", "input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]}),
        (RESPONSES, {"model": "m", "input": [{"type": "reasoning", "encrypted_content": "AAAA", "summary": []}]}),
        (MESSAGES, said(MESSAGES, {"type": "thinking", "thinking": "x", "signature": "AAAA"})),
        (MESSAGES, said(MESSAGES, {"type": "document", "source": {"type": "text", "data": "x"}})),
        (MESSAGES, plain(MESSAGES, "x", tools=[{"type": "bash_20250124", "name": "bash"}])),
        (GEMINI, said(GEMINI, {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}})),
        (GEMINI, said(GEMINI, {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "AAAA"})),
        (GEMINI, plain(GEMINI, "x", tools=[{"functionDeclarations": [{"name": "f"}]}])),
        (GEMINI, {"requests": [{"content": {"parts": [{"text": "x"}]}}]}),
        (GEMINI, {"content": {"parts": [{"text": "x"}]}, "embedContentConfig": {"outputDimensionality": 8}}),
        (GEMINI, {"instances": [{"content": "x"}], "parameters": {"autoTruncate": False}}),
    ],
)
def test_what_is_in_the_request_counts_by_its_bytes(dialect, fields):
    assert len(orjson.dumps(fields)) < most(dialect, fields) < 5000


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (CHAT, plain(CHAT, "x", tools=[{"type": "openrouter:web_search"}])),
        (CHAT, plain(CHAT, "x", tools=[{"google_search": {}}])),
        (CHAT, plain(CHAT, "x", plugins=[{"id": "web"}])),
        (CHAT, plain(CHAT, "x", models=["other/model"])),
        (RESPONSES, plain(RESPONSES, "x", tools=[{"type": "web_search"}])),
        (RESPONSES, plain(RESPONSES, "x", reasoning={"mode": "pro"})),
        (MESSAGES, plain(MESSAGES, "x", tools=[{"type": "web_search_20250305", "name": "web_search"}])),
        (MESSAGES, plain(MESSAGES, "x", tools=[{"type": "web_search_20250305", "max_uses": True}])),
        (MESSAGES, plain(MESSAGES, "x", tools=[{"type": "web_search_20250305", "max_uses": -1}])),
        (MESSAGES, plain(MESSAGES, "x", mcp_servers=[{"url": "https://x.example"}])),
        (GEMINI, plain(GEMINI, "x", tools=[{"googleSearch": {}}])),
    ],
)
def test_tools_that_the_provider_runs_have_no_bound_where_nobody_gives_one(dialect, fields):
    """Each use reads the whole input anew."""
    assert most(dialect, fields, context_window=1000) == UNBOUND


def test_so_many_uses_are_so_many_windows():
    tools = [{"type": "web_search_20250305", "max_uses": 3}, {"type": "web_fetch_20250910", "max_uses": 2}]
    assert most(MESSAGES, plain(MESSAGES, "x", tools=tools), context_window=1000) == 6 * 1000
    asked = plain(RESPONSES, "x", tools=[{"type": "web_search"}], max_tool_calls=4)
    assert most(RESPONSES, asked, context_window=1000) == 5 * 1000


@pytest.mark.parametrize(("vendor", "model"), [("groq", "compound-beta"), ("openrouter", "perplexity/sonar")])
def test_models_that_search_by_themselves_have_no_bound(vendor, model):
    assert most(CHAT, plain(CHAT, "x"), vendor=vendor, model=model, context_window=1000) == UNBOUND
    assert most(CHAT, plain(CHAT, "x"), vendor="openai", model=model) < UNSEEN


def test_tools_and_schemas_count_by_their_json_and_the_vendors_instructions():
    bare = most(CHAT, plain(CHAT, "x"))
    assert most(CHAT, plain(CHAT, "x", tools=[FUNCTION])) >= bare + 500 + PER_TOOLS
    assert most(CHAT, plain(CHAT, "x", functions=[FUNCTION["function"]])) >= bare + 500 + PER_TOOLS
    assert most(CHAT, plain(CHAT, "x", response_format={"type": "json_object"})) >= bare + PER_TOOLS
    assert most(GEMINI, plain(GEMINI, "x", generationConfig={"responseSchema": {}})) >= PER_REQUEST + PER_TOOLS
    assert most(MESSAGES, plain(MESSAGES, "x", output_config={"format": {}})) >= PER_REQUEST + PER_TOOLS


@pytest.mark.parametrize(
    ("value", "least"), [("x" * 50, 50), (["x" * 50, "y" * 50], 100), ([1, 2, 3], 3), ([[1, 2], [3]], 3), (None, 0)]
)
def test_embeddings_count_texts_and_tokens(value, least):
    assert least <= most(CHAT, {"model": "m", "input": value}) <= PER_REQUEST + least + 200


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, [None, 3, "x", {}, {"content": 5}, {"content": [None, 3, {}]}]])
def test_malformed_requests_have_a_bound_too(dialect, odd):
    names = ("messages", "input", "contents", "prompt", "tools", "system", "systemInstruction", "requests", "reasoning")
    for name in names:
        assert most(dialect, {"model": "m", name: odd}) > 0
        assert most(dialect, {**plain(dialect, "x"), name: odd}) > 0


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize("kind", [{"a": 1}, ["text"], 7, None])
def test_a_part_whose_kind_is_no_text_is_of_a_kind_that_nobody_knows(dialect, kind):
    assert most(dialect, said(dialect, {"type": kind, "text": "x"})) >= UNSEEN


def nest(dialect, depth):
    if dialect is GEMINI:
        part = {"text": "x"}
        for _ in range(depth):
            part = {"functionResponse": {"name": "f", "response": {}, "parts": [part]}}
        return said(GEMINI, part)
    part = {"type": "text", "text": "x"}
    for _ in range(depth):
        part = {"type": "tool_result", "tool_use_id": "t", "content": [part]}
    return said(MESSAGES, part)


@pytest.mark.parametrize("dialect", [MESSAGES, GEMINI])
def test_parts_within_parts_are_looked_at_as_deep_as_anybody_nests_and_no_deeper(dialect):
    assert most(dialect, nest(dialect, 3)) < UNSEEN
    assert most(dialect, nest(dialect, 60)) >= UNSEEN


def test_a_prompt_that_the_provider_keeps_may_run_tools_that_nobody_here_sees():
    assert most(RESPONSES, plain(RESPONSES, "x", prompt={"id": "pmpt_1"})) == UNBOUND


@pytest.mark.parametrize("fields", [plain(CHAT, "hello"), plain(CHAT, "hello", tools=[FUNCTION])])
def test_a_model_that_searches_unasked_may_fill_its_window(fields):
    assert most(CHAT, fields, model="gpt-4o-search-preview", context_window=128_000) == 128_000
    assert most(CHAT, fields, model="openai/gpt-4o:online") == UNSEEN
    assert most(CHAT, fields, model="gpt-4o", context_window=128_000) < 4000


@pytest.mark.parametrize("fields", [plain(CHAT, "hello"), plain(CHAT, "hello", tools=[FUNCTION])])
def test_a_deployment_is_known_by_its_lineage(fields):
    assert most(CHAT, fields, model="prod", lineage="gpt-4o-search-preview", context_window=128_000) == 128_000
    assert most(CHAT, fields, model="prod", lineage="gpt-4o", context_window=128_000) < 4000
