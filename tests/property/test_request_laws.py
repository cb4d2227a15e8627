"""Laws of requests: what is rendered is read back, up to what the Report says was lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.catalog import codec
from translators.faults import Malformed
from translators.ir import (
    Dialect,
    Image,
    Message,
    OutputFormat,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from translators.profile import Profile

DIALECTS = list(Dialect)
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
PROFILES = {
    Dialect.OPENAI_CHAT: Profile(provider="p", model="m"),
    Dialect.ANTHROPIC_MESSAGES: Profile(provider="p", model="m", max_output=8192, thinking="none"),
}
"""A target of the dialect that takes everything the dialect can say."""

texts = st.text("abc é😀\n", min_size=1, max_size=10).filter(str.strip)
names = st.text("abcdefgh_123", min_size=1, max_size=8)
images = st.builds(Image, data=st.just("iVBORw0="), media_type=st.just("image/png")) | st.builds(
    Image, url=st.just("https://images.test/a.png")
)
schemas = st.sampled_from(
    [
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
    ]
)
tools = st.builds(Tool, names, st.none() | texts, schemas)


@st.composite
def turns(draw, number):
    """A question, and what the assistant did with it: an answer, or calls and their results."""
    parts = draw(st.lists(st.builds(Text, texts) | images, min_size=1, max_size=3))
    said = Message("assistant", (Text(draw(texts).strip()),))
    items = [Message("user", tuple(parts))]
    for i in range(draw(st.integers(0, 2))):
        items.append(ToolCall(f"call_{number}_{i}", draw(names), draw(st.sampled_from(["{}", '{"a":[1,"x"]}']))))
    results = [ToolResult(call.id, (Text(draw(texts)),)) for call in items[1:]]
    return [*items, *results, said]


@st.composite
def requests(draw):
    items = [Message("system", (Text(draw(texts)),))] if draw(st.booleans()) else []
    for number in range(draw(st.integers(0, 2))):
        items += draw(turns(number))
    items.append(Message("user", (Text(draw(texts)),)))
    offered = tuple(draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name)))
    choice = None
    if offered:
        kinds = [ToolChoice("auto"), ToolChoice("required"), ToolChoice("named", (offered[0].name,))]
        choice = draw(st.none() | st.sampled_from(kinds))
    return Request(
        model="m",
        items=tuple(items),
        stream=draw(st.booleans()),
        max_output=draw(st.none() | st.integers(1, 4096)),
        temperature=draw(st.none() | st.sampled_from([0, 0.5, 1])),
        stop=tuple(draw(st.lists(texts.map(str.strip), max_size=2))),
        tools=offered,
        tool_choice=choice,
        output=draw(st.none() | st.builds(OutputFormat, st.just("json_schema"), schemas, st.just("n"))),
        seed=draw(st.none() | st.integers(0, 9)),
        user=draw(st.none() | names),
    )


def plain(value):
    """A request without what a dialect may say more or less exactly: null, absent and the default."""
    drop = {"include_usage", "extra", "max_output", "user", "seed", "output", "temperature", "parallel_tool_calls"}
    return {name: getattr(value, name) for name in value.__struct_fields__ if name not in drop}


@every_dialect
@given(request=requests())
def test_what_is_rendered_is_read_back(dialect, request):
    body, report = codec(dialect).render_request(request, PROFILES[dialect])
    back = codec(dialect).parse_request(body)
    assert plain(back) == plain(request)
    lost = {entry.field.partition(".")[0] for entry in report.entries}
    for name, wire in (
        ("seed", "seed"),
        ("user", "user"),
        ("temperature", "temperature"),
        ("output", "response_format"),
    ):
        if wire not in lost:
            kept = getattr(back, name)
            kept = kept.schema if name == "output" and kept is not None else kept
            asked = getattr(request, name)
            assert kept == (asked.schema if name == "output" and asked is not None else asked)
    if request.max_output is not None:
        assert back.max_output == request.max_output


@every_dialect
@given(request=requests())
def test_what_is_rendered_passes_its_own_envelope_check(dialect, request):
    body, _ = codec(dialect).render_request(request, PROFILES[dialect])
    envelope = codec(dialect).check_envelope(body)
    assert (envelope.model, envelope.stream) == ("m", request.stream)


@every_dialect
@given(request=requests())
def test_relaying_a_request_keeps_its_meaning(dialect, request):
    body, _ = codec(dialect).render_request(request, PROFILES[dialect])
    relayed, report = codec(dialect).relay_request(body, PROFILES[dialect], None)
    assert report.entries == []
    assert codec(dialect).parse_request(relayed).items == codec(dialect).parse_request(body).items


# -- totality ----------------------------------------------------------------------------------------------------

WORDS = [
    *("role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "arguments", "id"),
    *("tool_call_id", "tool_use_id", "input", "source", "data", "media_type", "file", "file_data", "reasoning_content"),
    *("reasoning_details", "thinking_blocks", "thinking", "signature", "origin", "cache_control", "function_call"),
    *("user", "assistant", "tool", "system", "tool_use", "tool_result", "image", "custom", "refusal", "input_audio"),
]
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(WORDS)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=15,
)
messages = st.dictionaries(st.sampled_from(WORDS), json_values, max_size=6).flatmap(
    lambda message: st.sampled_from(["user", "assistant", "tool", "system", "function"]).map(
        lambda role: {**message, "role": role}
    )
)
fields = st.dictionaries(
    st.sampled_from(
        [
            *("tools", "tool_choice", "functions", "function_call", "stop", "n", "temperature", "response_format"),
            *("reasoning_effort", "thinking", "metadata", "stream", "stream_options", "max_tokens", "system", "user"),
            *("stop_sequences", "output_config", "logit_bias", "modalities", "max_completion_tokens"),
        ]
    ),
    json_values,
    max_size=5,
)


@every_dialect
@given(data=st.data())
def test_any_body_is_a_request_or_malformed(dialect, data):
    body = data.draw(
        json_values
        | fields.map(lambda more: {"model": "m", **more, "messages": data.draw(st.lists(messages, max_size=3))})
    )
    for read in (codec(dialect).check_envelope, codec(dialect).parse_request):
        try:
            read(body)
        except Malformed:
            continue


@every_dialect
@given(data=st.data())
def test_whatever_passes_the_envelope_can_be_relayed(dialect, data):
    """The contents are not ours to judge."""
    body = {"model": "m", **data.draw(fields), "messages": data.draw(st.lists(messages, min_size=1, max_size=3))}
    try:
        codec(dialect).check_envelope(body)
    except Malformed:
        return
    odd = Profile(
        model="x",
        max_output=10,
        n_max=1,
        stop_max=1,
        sampling="one_of",
        tool_ids="alnum9",
        reasoning_replay=True,
        efforts=("low",),
        forced_tool_choice=False,
        json_schema=False,
        max_tokens_field="max_tokens",
        rejects=frozenset({"logit_bias", "metadata"}),
    )
    for profile in (PROFILES[dialect], odd):
        relayed, _ = codec(dialect).relay_request(body, profile, 100)
        assert relayed["model"] == profile.model


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("target", DIALECTS)
@given(data=st.data())
def test_whatever_was_read_can_be_rendered_for_every_target(client, target, data):
    body = {"model": "m", **data.draw(fields), "messages": data.draw(st.lists(messages, min_size=1, max_size=3))}
    try:
        request = codec(client).parse_request(body)
    except Malformed:
        return
    rendered, _ = codec(target).render_request(request, PROFILES[target])
    assert rendered["model"] == "m"
