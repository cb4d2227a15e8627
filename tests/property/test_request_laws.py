"""Laws of requests: what is rendered is read back, up to what the Report says was lost.

To make a request up costs many times what it costs to read and render it, so each is tried on every dialect.
"""

from contextlib import suppress

from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.property.asking import PROFILES, numbered, requests, served, texts
from translators.catalog import DIALECTS, PROVIDERS, codec
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile


def each_of(dialects):
    """These dialects, one after another; the one at which a law breaks is the last that is noted."""
    for dialect in dialects:
        note(f"dialect {dialect}")
        yield dialect


def plain(value, lost):
    """A request without what a dialect may say more or less exactly (null, absent and the default), and without the
    fields that are known to be lost."""
    drop = {"include_usage", "extra", "max_output", "user", "seed", "output", "temperature", "parallel_tool_calls"}
    tools = tuple(structs.replace(tool, strict=tool.strict or None) for tool in value.tools)
    said = structs.replace(value, tools=tools)
    return {name: getattr(said, name) for name in said.__struct_fields__ if name not in drop | lost}


@given(request=requests())
def test_what_is_rendered_is_read_back(request):
    """By those that can say a conversation: a completion has one prompt."""
    for dialect in each_of(PROVIDERS):
        is_read_back(dialect, request)


def is_read_back(dialect, request):
    body, report = codec(dialect).render_request(request, PROFILES[dialect])
    back = codec(dialect).parse_request(served(dialect, body, stream=request.stream))
    if dialect is Dialect.GEMINI:
        back = structs.replace(back, items=numbered(back.items))
        request = structs.replace(request, items=numbered(request.items))
    lost = {entry.field.partition(".")[0] for entry in report.entries}
    assert plain(back, lost) == plain(request, lost)
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
    if request.max_output is not None and "max_completion_tokens" not in lost:
        assert back.max_output == request.max_output


@given(request=requests())
def test_what_is_rendered_passes_its_own_envelope_check(request):
    for dialect in each_of(DIALECTS):
        body, _ = codec(dialect).render_request(request, PROFILES[dialect])
        envelope = codec(dialect).check_envelope(served(dialect, body, stream=request.stream))
        assert (envelope.model, envelope.stream) == ("m", request.stream)


@given(request=requests())
def test_relaying_a_request_keeps_its_meaning(request):
    for dialect in each_of(PROVIDERS):
        body, _ = codec(dialect).render_request(request, PROFILES[dialect])
        relayed, report = codec(dialect).relay_request(body, PROFILES[dialect], None)
        assert report.entries == []
        read = codec(dialect).parse_request
        assert read(served(dialect, relayed)).items == read(served(dialect, body)).items


# -- totality ----------------------------------------------------------------------------------------------------

WORDS = [
    *("role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "arguments", "id"),
    *("tool_call_id", "tool_use_id", "input", "source", "data", "media_type", "file", "file_data", "reasoning_content"),
    *("reasoning_details", "thinking_blocks", "thinking", "signature", "origin", "cache_control", "function_call"),
    *("user", "assistant", "tool", "system", "tool_use", "tool_result", "image", "custom", "refusal", "input_audio"),
    *("functionCall", "function_response", "args", "response", "thought", "thoughtSignature", "inlineData", "mimeType"),
    *("fileData", "fileUri", "executableCode", "partMetadata", "parts", "model"),
    *("message", "reasoning", "function_call_output", "custom_tool_call", "item_reference", "web_search_call"),
    *("call_id", "output", "summary", "encrypted_content", "input_text", "input_image", "input_file", "output_text"),
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
            *("generationConfig", "toolConfig", "system_instruction", "serviceTier"),
            *("instructions", "reasoning", "text", "include", "truncation", "conversation", "max_output_tokens"),
        ]
    ),
    json_values,
    max_size=5,
)


contents = st.fixed_dictionaries(
    {"parts": st.lists(st.dictionaries(st.sampled_from(WORDS), json_values, max_size=4), max_size=3) | json_values},
    optional={"role": st.sampled_from(["user", "model", "function"])},
)
items = st.builds(
    lambda item, kind: {**item, "type": kind},
    st.dictionaries(st.sampled_from(WORDS), json_values, max_size=6),
    st.sampled_from(
        [
            *("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
            *("reasoning", "compaction", "web_search_call", "item_reference", "mcp_approval_response", "tomorrow"),
        ]
    ),
)
bodies = st.builds(
    lambda more, said, prompt, content, steps: {
        "model": "m",
        "prompt": prompt,
        **more,
        "messages": said,
        "contents": content,
        "input": [*said, *steps],
    },
    fields,
    st.lists(messages, min_size=1, max_size=3),
    texts | st.lists(texts | st.integers(0, 9), min_size=1, max_size=2),
    st.lists(contents, min_size=1, max_size=3),
    st.lists(items, max_size=3),
)


@given(data=st.data())
def test_any_body_is_a_request_or_malformed(data):
    body = data.draw(
        json_values
        | fields.map(
            lambda more: {
                "model": "m",
                "prompt": data.draw(json_values | texts),
                **more,
                "messages": data.draw(st.lists(messages, max_size=3)),
                "contents": data.draw(st.lists(contents | json_values, max_size=3)),
                "input": data.draw(json_values | st.lists(messages, max_size=3)),
            }
        )
    )
    for dialect in each_of(DIALECTS):
        for read in (codec(dialect).check_envelope, codec(dialect).parse_request):
            with suppress(Malformed):
                read(body)


ODD = Profile(
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


@given(body=bodies)
def test_whatever_passes_the_envelope_can_be_relayed(body):
    """The contents are not ours to judge."""
    for dialect in each_of(DIALECTS):
        try:
            codec(dialect).check_envelope(body)
        except Malformed:
            continue
        for profile in (PROFILES[dialect], ODD):
            relayed, _ = codec(dialect).relay_request(body, profile, 100)
            assert relayed.get("model") == (None if dialect is Dialect.GEMINI else profile.model)


@settings(max_examples=100)
@given(body=bodies)
def test_whatever_was_read_can_be_rendered_for_every_target(body):
    for client in each_of(DIALECTS):
        try:
            request = codec(client).parse_request(body)
        except Malformed:
            continue
        for target in each_of(DIALECTS):
            rendered, _ = codec(target).render_request(request, PROFILES[target])
            assert rendered.get("model") == (None if target is Dialect.GEMINI else "m")
