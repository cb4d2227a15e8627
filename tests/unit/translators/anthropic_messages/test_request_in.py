"""An Anthropic client's request in the neutral form."""

import base64

import pytest

from translators.anthropic_messages import check_envelope, parse_request, render_request
from translators.faults import Malformed
from translators.ir import (
    File,
    Foreign,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

MARK = {"type": "ephemeral", "ttl": "5m"}


def body(*messages, **fields):
    return {"model": "m", "max_tokens": 9, "messages": list(messages) or [{"role": "user", "content": "Hi"}], **fields}


def items(*messages, **fields):
    return parse_request(body(*messages, **fields)).items


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks):
    return {"role": "assistant", "content": list(blocks)}


def test_the_least_request():
    request = parse_request(body(stream=True))
    assert request.items == (Message("user", (Text("Hi"),)),)
    assert (request.model, request.max_output, request.stream, request.include_usage) == ("m", 9, True, True)
    assert request.extra == {}


def test_system_blocks_are_one_system_message_with_their_markers():
    system = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": MARK}]
    assert items(system=system)[0] == Message("system", (Text("a"), Text("b", MARK)))
    assert items(system="a")[0] == Message("system", (Text("a"),))


def test_a_system_message_among_the_turns_stays_there():
    given = ({"role": "user", "content": "a"}, {"role": "system", "content": [{"type": "text", "text": "b"}]})
    assert [item.role for item in items(*given)] == ["user", "system"]


def test_results_and_text_of_a_user_turn_are_items_in_their_order():
    given = user(
        {"type": "tool_result", "tool_use_id": "1", "content": "r", "cache_control": MARK},
        {"type": "tool_result", "tool_use_id": "2", "is_error": True, "content": [{"type": "text", "text": "e"}]},
        {"type": "tool_result", "tool_use_id": "3"},
        {"type": "text", "text": "and"},
    )
    assert items(given) == (
        ToolResult("1", (Text("r"),), cache=MARK),
        ToolResult("2", (Text("e"),), is_error=True),
        ToolResult("3", ()),
        Message("user", (Text("and"),)),
    )


def test_an_assistant_turn_keeps_thinking_text_and_calls_in_order():
    given = assistant(
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}, "cache_control": MARK},
    )
    assert items(given) == (
        Reasoning("Hm.", Opaque("signature", "s", "")),
        Reasoning("", Opaque("redacted", "d", "")),
        Message("assistant", (Text("Let me see."),)),
        ToolCall("1", "f", '{"a":1}', cache=MARK),
    )


def test_images_and_documents_become_parts():
    data = base64.b64encode(b"hello").decode()
    given = user(
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}, "cache_control": MARK},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JV"}, "title": "t"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    )
    assert items(given)[0].parts == (
        Image(data="AAAA", media_type="image/png"),
        Image(url="https://example.org/a.png", cache=MARK),
        File(data="JV", media_type="application/pdf", filename="t"),
        File(data=data, media_type="text/plain"),
        File(url="https://example.org/a.pdf", media_type="application/pdf"),
        File(file_id="file_1"),
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "search_result", "title": "t"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "document", "source": {"type": "content", "content": []}},
        {"type": "block_of_tomorrow", "x": 1},
    ],
)
def test_a_block_without_a_neutral_word_is_kept_whole_and_goes_back_whole(target, block):
    request = parse_request(body(user(block)))
    assert request.items[0].parts == (Foreign("anthropic-messages", block["type"], block),)
    rendered, report = render_request(request, target())
    assert rendered["messages"][0]["content"] == [block]
    assert report.entries == []


def test_a_picture_by_its_id_is_kept_whole_and_named_as_one(target):
    block = {"type": "image", "source": {"type": "file", "file_id": "f"}}
    request = parse_request(body(user(block)))
    assert request.items[0].parts == (Foreign("anthropic-messages", "image by file_id", block),)
    assert render_request(request, target())[0]["messages"][0]["content"] == [block]


X = File(data="eA==", media_type="text/plain")
XY = File(data="eAp5", media_type="text/plain")


@pytest.mark.parametrize(
    ("more", "plain", "names"),
    [
        ({"source": {"type": "text", "data": "x"}, "citations": {"enabled": True}}, X, ("citations",)),
        ({"source": {"type": "text", "data": "x"}, "context": "c"}, X, ("context",)),
        ({"source": {"type": "content", "content": "x"}}, X, ()),
        ({"source": {"type": "content", "content": [{"type": "text", "text": "x"}, {"text": "y"}]}}, XY, ()),
        ({"source": {"type": "content", "content": [{"type": "image"}]}}, None, ()),
    ],
)
def test_a_document_that_says_more_than_a_file_is_kept_whole_beside_the_plain_one(target, more, plain, names):
    block = {"type": "document", **more}
    request = parse_request(body(user(block)))
    assert request.items[0].parts == (Foreign("anthropic-messages", "document", block, plain=plain, more=names),)
    assert render_request(request, target())[0]["messages"][0]["content"] == [block]


def test_tools_keep_what_has_no_word_and_vendor_run_ones_are_kept_apart():
    own = {"type": "code_execution_20260120", "name": "code_execution"}
    function = {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True}
    request = parse_request(body(tools=[{**function, "cache_control": MARK, "defer_loading": True}, own]))
    assert request.tools == (
        Tool("f", "d", {"type": "object"}, strict=True, cache=MARK, extra={"defer_loading": True}),
    )
    assert request.extra == {"tools": {"tools.1": own}}


def test_a_plain_web_search_has_a_neutral_word_and_a_restricted_one_has_not():
    place = {"type": "approximate", "city": "Bern", "region": None}
    plain = {"type": "web_search_20260209", "name": "web_search", "max_uses": None, "user_location": place}
    request = parse_request(body(tools=[plain]))
    assert request.web_search == {"user_location": {"type": "approximate", "approximate": {"city": "Bern"}}}
    assert request.extra == {}
    assert parse_request(body(tools=[{**plain, "max_uses": 1}])).web_search is None


@pytest.mark.parametrize(
    ("choice", "read", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "none"}, ToolChoice("none"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "tool", "name": "f"}, ToolChoice("named", ("f",)), None),
    ],
)
def test_a_tool_choice_is_read(choice, read, parallel):
    request = parse_request(body(tool_choice=choice))
    assert (request.tool_choice, request.parallel_tool_calls) == (read, parallel)


@pytest.mark.parametrize(
    ("thinking", "config", "effort", "budget", "extra"),
    [
        ({"type": "enabled", "budget_tokens": 2000}, {}, None, 2000, {}),
        ({"type": "disabled"}, {}, "none", None, {}),
        ({"type": "disabled"}, {"effort": "low"}, "none", None, {"output_config": {"effort": "low"}}),
        ({"type": "adaptive"}, {"effort": "low"}, "low", None, {}),
        ({"type": "adaptive"}, {}, None, None, {"thinking": {"type": "adaptive"}}),
        (
            {"type": "adaptive", "display": "omitted"},
            {"effort": "max"},
            "max",
            None,
            {"thinking": {"display": "omitted"}},
        ),
        (
            None,
            {"effort": "high", "task_budget": {"total": 1}},
            "high",
            None,
            {"output_config": {"task_budget": {"total": 1}}},
        ),
    ],
)
def test_thinking_and_effort_are_read_and_the_rest_of_them_kept(thinking, config, effort, budget, extra):
    request = parse_request(body(thinking=thinking, output_config=config))
    assert (request.effort, request.thinking_budget, request.extra) == (effort, budget, extra)


def test_the_output_format_and_the_small_fields_are_read():
    form = {"type": "json_schema", "schema": {"type": "object"}}
    request = parse_request(
        body(
            output_config={"format": form},
            stop_sequences=["a", "b"],
            metadata={"user_id": "u"},
            service_tier="standard_only",
            temperature=0.5,
            top_k=3,
            cache_control=MARK,
        )
    )
    assert request.output == OutputFormat("json_schema", {"type": "object"}, strict=True)
    assert (request.stop, request.user, request.service_tier) == (("a", "b"), "u", "default")
    assert (request.temperature, request.top_k, request.extra) == (0.5, 3, {"cache_control": MARK})
    assert parse_request(body(output_format=form)).output == request.output


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ([], None),
        ({"messages": []}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        (body(stream="yes"), "stream"),
        (body("x"), "messages.0"),
        (body({"role": "tool", "content": "x"}), "messages.0.role"),
        (body({"role": "user"}), "messages.0.content"),
        (body(user({"text": "x"})), "messages.0.content.0"),
        (body(user({"type": "text"})), "messages.0.content.0.text"),
        (body(assistant({"type": "tool_use", "id": "1", "name": "f"})), "messages.0.content.0.input"),
        (body(assistant({"type": "tool_use", "name": "f", "input": {}})), "messages.0.content.0.id"),
        (body(user({"type": "tool_result", "content": "x"})), "messages.0.content.0.tool_use_id"),
        (body(system=3), "system"),
        (body(max_tokens="9"), "max_tokens"),
        (body(max_tokens=True), "max_tokens"),
        (body(temperature="hot"), "temperature"),
        (body(stop_sequences=[1]), "stop_sequences"),
        (body(tools={}), "tools"),
        (body(tools=[3]), "tools.0"),
        (body(tools=[{"name": "f", "input_schema": []}]), "tools.0.input_schema"),
        (body(tool_choice="auto"), "tool_choice.type"),
        (body(tool_choice={"type": "tool"}), "tool_choice.name"),
        (body(output_config={"format": {"type": "xml"}}), "output_config.format"),
        (body(max_tokens=0), "max_tokens"),
        (body(max_tokens=-1), "max_tokens"),
    ],
)
def test_what_the_format_does_not_allow_is_named_by_its_path(wrong, param):
    with pytest.raises(Malformed) as caught:
        parse_request(wrong)
    assert caught.value.param == param
    assert param is None or param in str(caught.value)


def test_the_envelope_checks_no_more_than_it_must():
    envelope = check_envelope({"model": "m", "messages": [3], "max_tokens": "x", "stream": None})
    assert (envelope.model, envelope.stream, envelope.include_usage) == ("m", False, True)


def test_results_of_a_turn_stand_before_its_words():
    """Other dialects want them right behind the calls."""
    said, result = {"type": "text", "text": "and"}, {"type": "tool_result", "tool_use_id": "1", "content": "r"}
    assert items(user(said, result, said)) == (
        ToolResult("1", (Text("r"),)),
        Message("user", (Text("and"), Text("and"))),
    )


@pytest.mark.parametrize(
    ("thinking", "thinks"),
    [
        (None, None),
        ({"type": "disabled"}, False),
        ({"type": "between_tools"}, False),
        ({"type": "adaptive"}, True),
        ({"type": "enabled", "budget_tokens": 1024}, True),
    ],
)
def test_the_envelope_tells_whether_thinking_is_asked_for(thinking, thinks):
    fields = {} if thinking is None else {"thinking": thinking}
    assert check_envelope(body(**fields)).thinks is thinks


@pytest.mark.parametrize(
    ("change", "param"),
    [({"model": "m" * 257}, "model"), ({"messages": [{"role": "user", "content": "x"}] * 100_001}, "messages")],
)
def test_names_and_lists_are_bounded(change, param):
    with pytest.raises(Malformed) as bad:
        check_envelope(body() | change)
    assert bad.value.param == param and len(str(bad.value)) < 200


@pytest.mark.parametrize(
    ("thinking", "summary"),
    [
        ({"type": "enabled", "budget_tokens": 1024}, "auto"),
        ({"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, None),
        ({"type": "adaptive"}, None),
        ({"type": "adaptive", "display": "summarized"}, "auto"),
        ({"type": "disabled"}, None),
    ],
)
def test_whether_thinking_is_read_is_known(thinking, summary):
    assert parse_request(body(thinking=thinking)).reasoning_summary == summary


def test_an_effort_that_is_not_known_is_not_lost():
    request = parse_request(body({"role": "user", "content": "Hi"}, output_config={"effort": "utmost"}))
    assert (request.effort, request.extra["output_config"]) == (None, {"effort": "utmost"})
