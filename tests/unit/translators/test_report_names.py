"""What a report says was lost, in the client's own words: what was sent all the same is not among it."""

import pytest

from translators.catalog import codec
from translators.ir import Dialect
from translators.profile import Profile

MARK = {"type": "ephemeral"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
MESSAGES = {**CHAT, "max_tokens": 99}
RESPONSES = {"model": "m", "input": "hi"}
GEMINI = {"model": "m", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
FUNCTION = {"name": "f", "input_schema": {"type": "object"}}
MARKED = {"type": "text", "text": "s", "cache_control": MARK}
BROKEN = {"type": "text", "text": "s", "prompt_cache_breakpoint": {"mode": "explicit"}}
OTHERS = [one for one in Dialect if one is not Dialect.OPENAI_COMPLETIONS]


def lost(client, body, target):
    """Field and verdict of each loss."""
    reader = codec(client)
    request = reader.parse_request(body)
    report = codec(target).render_request(request, Profile(provider="p", model="m"))[1]
    report.rename(reader.naming(body), request.extra)
    return [(entry.field, entry.verdict.value) for entry in report.entries]


@pytest.mark.parametrize(
    ("client", "body", "field"),
    [
        ("openai-responses", {**RESPONSES, "reasoning": {"effort": "low", "mode": "pro"}}, "reasoning.mode"),
        ("openai-responses", {**RESPONSES, "text": {"verbosity": "low", "novel": 1}}, "text.novel"),
        ("openai-responses", {**RESPONSES, "include": ["reasoning.encrypted_content", "x"]}, "include[1]"),
        (
            "anthropic-messages",
            {**MESSAGES, "output_config": {"effort": "low", "task_budget": {"total": 9}}},
            "output_config.task_budget",
        ),
        (
            "gemini",
            {**GEMINI, "generationConfig": {"seed": 1, "speechConfig": {"a": 1}}},
            "generationConfig.speechConfig",
        ),
    ],
)
def test_of_an_object_it_is_the_member_that_was_left_out(client, body, field):
    others = [one for one in OTHERS if one != client]
    told = [[name for name, _ in lost(Dialect(client), body, other)] for other in others]
    assert all(field in names and field.replace("[", ".").partition(".")[0] not in names for names in told)


@pytest.mark.parametrize(
    ("client", "body", "field"),
    [
        (
            "openai-responses",
            {**RESPONSES, "tools": [{"type": "function", "name": "f"}, {"type": "file_search"}]},
            "tools[1]",
        ),
        ("anthropic-messages", {**MESSAGES, "tools": [FUNCTION, {"type": "bash_20250124", "name": "bash"}]}, "tools.1"),
        ("gemini", {**GEMINI, "tools": [{"functionDeclarations": [{"name": "f"}]}, {"urlContext": {}}]}, "tools[1]"),
        ("anthropic-messages", {**MESSAGES, "mcp_servers": [{"name": "n"}]}, "mcp_servers"),
    ],
)
def test_what_the_vendor_runs_is_refused_by_its_own_place_everywhere_else(client, body, field):
    for other in (one for one in OTHERS if one != client):
        assert (field, "refused") in lost(Dialect(client), body, other)


@pytest.mark.parametrize(
    ("client", "body", "field"),
    [
        ("anthropic-messages", {**MESSAGES, "system": [MARKED, MARKED]}, "system.0.cache_control"),
        (
            "openai-chat",
            {**CHAT, "messages": [{"role": "user", "content": [MARKED]}]},
            "messages[0].content[0].cache_control",
        ),
        (
            "openai-chat",
            {**CHAT, "messages": [{"role": "user", "content": [BROKEN]}]},
            "messages[0].content[0].prompt_cache_breakpoint",
        ),
        (
            "openai-responses",
            {"model": "m", "input": [{"role": "user", "content": [{**BROKEN, "type": "input_text"}]}]},
            "input[0].content[0].prompt_cache_breakpoint",
        ),
    ],
)
def test_a_cache_marker_is_named_where_the_first_one_stands(client, body, field):
    for other in (one for one in OTHERS if one not in (client, Dialect.ANTHROPIC_MESSAGES)):
        assert lost(Dialect(client), body, other) == [(field, "dropped")]


PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}}
CITED = {**PDF, "citations": {"enabled": True}, "context": "c"}


@pytest.mark.parametrize("target", [one for one in OTHERS if one is not Dialect.ANTHROPIC_MESSAGES])
@pytest.mark.parametrize(
    ("content", "path"),
    [
        ([CITED], "content.0"),
        ([{"type": "tool_result", "tool_use_id": "t", "content": [CITED]}], "content.0.content.0"),
    ],
)
def test_of_a_document_with_citations_only_these_are_refused(target, content, path):
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
    opening = [{"role": "user", "content": "hi"}, call] if content[0] is not CITED else []
    body = {**MESSAGES, "messages": [*opening, {"role": "user", "content": content}]}
    refused = [field for field, verdict in lost(Dialect.ANTHROPIC_MESSAGES, body, target) if verdict == "refused"]
    assert refused == [f"messages.{len(opening)}.{path}.{name}" for name in ("context", "citations")]
    request = codec(Dialect.ANTHROPIC_MESSAGES).parse_request(body)
    assert "JVBERg==" in str(codec(target).render_request(request, Profile(model="m"))[0])


def pictured(client, media_type):
    """A request of the client with a picture of that type, and where it stands."""
    url = f"data:{media_type};base64,AAAA"
    if client is Dialect.OPENAI_CHAT:
        part = {"type": "image_url", "image_url": {"url": url}}
        return {**CHAT, "messages": [{"role": "user", "content": [part]}]}, "messages[0].content[0]"
    if client is Dialect.OPENAI_RESPONSES:
        part = {"type": "input_image", "image_url": url}
        return {"model": "m", "input": [{"role": "user", "content": [part]}]}, "input[0].content[0]"
    part = {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": "AAAA"}}
    return {**MESSAGES, "messages": [{"role": "user", "content": [part]}]}, "messages.0.content.0"


@pytest.mark.parametrize("target", [Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES])
@pytest.mark.parametrize("client", [Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES])
@pytest.mark.parametrize(
    ("media_type", "refused"),
    [("image/svg+xml", True), ("application/pdf", True), ("Image/SVG+XML; x=y", True), ("image/png", False)],
)
def test_what_is_no_picture_is_refused_where_one_must_be(target, client, media_type, refused):
    body, path = pictured(client, media_type)
    assert lost(client, body, target) == [(path, "refused")] * refused
