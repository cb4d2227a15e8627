"""The bound is never less than what is billed; the exact count never touches the network."""

import base64
import hashlib
import socket
import subprocess
import sys

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy import tokens
from proxy.tokens import AN_IMAGE, PER_IMAGE, PER_TOOLS, UNSEEN, at_least, bound, estimate, exact
from translators.ir import (
    File,
    Foreign,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)


def chat(*contents: object, **more: object) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": content} for content in contents], **more}


@given(st.lists(TEXT, max_size=5), TEXT)
@settings(max_examples=100)
def test_every_byte_of_text_counts(texts, tool):
    """As plain content, as parts, and in tool calls, whatever the alphabet."""
    calls = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": tool}}]}
    parts = [[{"type": "text", "text": text}] for text in texts]
    size = sum(len(text.encode()) for text in texts) + len(tool.encode())
    for contents in (texts, parts):
        body = chat(*contents)
        body["messages"].append(calls)
        assert bound(body) >= size


def test_the_bound_is_not_wildly_above_the_text():
    assert bound(chat("x" * 1000)) < 1100


def test_an_image_costs_a_constant_whatever_its_bytes():
    def image(data: str) -> list[dict[str, object]]:
        return [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]

    assert bound(chat(image("A" * 1_000_000))) == bound(chat(image("A")))
    assert bound(chat(image("A"))) >= PER_IMAGE


def test_the_vocabularies_that_a_folder_lacks_are_named(monkeypatch, tmp_path):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert tokens.missing_vocabularies() == ("", [])
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert tokens.missing_vocabularies() == (str(tmp_path), ["o200k_base", "cl100k_base"])
    digest = hashlib.sha256(b"x").hexdigest()
    monkeypatch.setattr(tokens, "_VOCABULARIES", {"whole": ("w", digest), "damaged": ("d", digest)})
    (tmp_path / "w").write_bytes(b"x")
    (tmp_path / "d").write_bytes(b"y")
    assert tokens.missing_vocabularies() == (str(tmp_path), ["damaged"])


@pytest.mark.parametrize(
    "body",
    [
        chat([{"type": "file", "file": {"file_id": "file-1"}}]),
        chat("x", web_search_options={}),
        {"model": "m", "messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]},
    ],
)
def test_what_is_not_in_the_request_has_no_bound_of_its_own(body):
    assert bound(body) >= UNSEEN


def test_tools_and_schemas_count_by_their_json_and_the_vendors_instructions():
    tool = {"type": "function", "function": {"name": "f", "description": "d" * 500, "parameters": {"type": "object"}}}
    assert bound(chat("x", tools=[tool])) >= bound(chat("x")) + 500 + PER_TOOLS
    assert bound(chat("x", response_format={"type": "json_schema", "json_schema": {"name": "n" * 300}})) >= 300


def test_what_is_no_input_does_not_count():
    assert bound(chat("x", metadata={"a": "b" * 500}, user="u" * 500, stream=True)) == bound(chat("x"))


@pytest.mark.parametrize(
    ("value", "least"),
    [("x" * 50, 50), (["x" * 50, "y" * 50], 100), ([1, 2, 3], 3), ([[1, 2], [3]], 3), (None, 0), (5, 1), ([], 0)],
)
def test_embeddings_count_texts_and_tokens(value, least):
    assert least <= bound({"model": "m", "input": value}) <= least + 100


@pytest.mark.parametrize("messages", [None, "x", [None, 3, "x", {}, {"content": 5}, {"content": [None, 3, {}]}], {}])
def test_malformed_requests_have_a_bound_too(messages):
    assert bound({"model": "m", "messages": messages}) > 0


@pytest.fixture
def no_network(monkeypatch):
    """Any connection is a failure."""

    def refuse(*args: object) -> None:
        raise AssertionError("tried to connect")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    tokens._encoding.cache_clear()


@pytest.mark.parametrize("content", [None, b"", b"damaged"])
def test_without_a_whole_vocabulary_at_hand_there_is_no_exact_count(no_network, monkeypatch, tmp_path, content):
    """tiktoken would delete a damaged file and download it anew."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    file = tmp_path / tokens._VOCABULARIES["o200k_base"][0]
    if content is not None:
        file.write_bytes(content)
    assert exact("hello", "gpt-4o") is None
    assert content is None or file.read_bytes() == content


def test_without_a_folder_or_for_unknown_models_nothing_is_loaded(no_network, monkeypatch, tmp_path):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert exact("hello", "gpt-4o") is None
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert exact("hello", "claude-sonnet-5") is None


def test_with_the_vocabulary_at_hand_the_count_is_tiktokens(no_network, monkeypatch, tmp_path):
    """A small vocabulary of our own stands in for the real one of 3 MB."""
    lines = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))
    name, _ = tokens._VOCABULARIES["o200k_base"]
    (tmp_path / name).write_bytes(lines)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tokens, "_VOCABULARIES", {"o200k_base": (name, hashlib.sha256(lines).hexdigest())})
    ranks = {bytes([byte]): byte for byte in range(256)}
    small = tiktoken.Encoding("small", pat_str=r"(?s:.)", mergeable_ranks=ranks, special_tokens={"<|end|>": 256})
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: small)
    assert exact("héllo<|end|>", "gpt-4o") == len("héllo<|end|>".encode())


def test_tiktoken_is_not_imported_before_it_is_needed():
    code = "import sys, proxy.tokens; proxy.tokens.bound({'messages': []}); sys.exit('tiktoken' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- at the least


LONG_WORDS = "The quick brown fox jumps over the lazy dog, 1234 times; def f(x):\n    return x  # and so on\n"


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4"])
@given(text=st.text(alphabet=st.sampled_from("ab1 Z\n\t.,/'-#éß日"), max_size=200))
@settings(max_examples=100, deadline=None)  # the first example loads the vocabulary
def test_the_least_is_never_more_than_there_are(model, text):
    counted = exact(text, model)
    if counted is None:
        pytest.skip("TIKTOKEN_CACHE_DIR names no vocabularies")
    assert at_least(chat(text)) <= counted


def test_the_least_is_near_for_usual_text():
    assert at_least(chat(LONG_WORDS * 10)) >= 10 * 12


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "one two three "}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "one two three "}]}]},
        {"system": "one ", "messages": [{"role": "user", "content": [{"type": "text", "text": "two three "}]}]},
        {"instructions": "one ", "input": [{"role": "user", "content": "two three "}]},
        {"input": [{"type": "function_call_output", "output": "one two three "}]},
        {"systemInstruction": {"parts": [{"text": "one "}]}, "contents": [{"parts": [{"text": "two three "}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [1]}, {"role": "tool", "content": "one two three "}]},
        {"prompt": ["one two ", "three "]},
    ],
)
def test_words_count_wherever_a_dialect_has_them(body):
    assert at_least(body) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a b c "}}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "a b c "}]}]},
        {"contents": [{"parts": [{"text": "a b c ", "thought": True}]}]},
        {"messages": [{"role": "user", "content": None}, "odd", 5]},
        {"truncation": "auto", "input": "a b c "},
        {"context_management": {"edits": [1]}, "messages": [{"content": "a b c "}]},
        {"transforms": ["middle-out"], "messages": [{"content": "a b c "}]},
    ],
)
def test_what_a_model_may_not_be_given_is_not_counted(body):
    assert at_least(body) == 0


def test_no_more_is_looked_at_than_a_window_needs(monkeypatch):
    monkeypatch.setattr(tokens, "LOOKED_AT", 10)
    assert at_least(chat("a b c d e f g h i j k ", "a b ")) == 5


def estimated(*items, **more) -> int:
    return estimate(Request(model="m", items=items, **more))


def test_an_estimate_is_near_the_text_and_rather_above_it():
    """English has some four bytes to a token."""
    text = "The quick brown fox jumps over the lazy dog. " * 100
    assert len(text) / 4.6 <= estimated(Message("user", (Text(text),))) <= len(text) / 2.5


@pytest.mark.parametrize(
    ("item", "more", "least"),
    [
        (ToolCall("1", "f", "x" * 300), {}, 100),
        (ToolResult("1", (Text("x" * 300),)), {}, 100),
        (Reasoning("x" * 300), {}, 100),
        (Message("user", (Image(data="AAAA", media_type="image/png"),)), {}, AN_IMAGE),
        (Message("user", (File(data="A" * 4000, media_type="application/pdf"),)), {}, 100),
        (Message("user", (Foreign("anthropic-messages", "search_result", {"text": "x" * 300}),)), {}, 100),
        (Message("user", ()), {"tools": (Tool("f", "x" * 300, {"type": "object"}),)}, 100),
        (Message("user", ()), {"output": OutputFormat("json_schema", {"description": "x" * 300})}, 100),
        (Message("user", ()), {"extra": {"mcp_servers": "x" * 300}}, 100),
    ],
)
def test_everything_in_a_conversation_counts(item, more, least):
    assert estimated(item, **more) >= least


def test_an_image_does_not_count_by_its_bytes():
    picture = Image(data="A" * 1_000_000, media_type="image/png")
    assert estimated(Message("user", (picture,))) < 2 * AN_IMAGE


def test_what_is_not_in_the_request_counts_as_nothing():
    assert estimated(Message("user", (File(file_id="file-1"),))) < 20
