"""Bounds, sampling, output format and hints."""

import orjson
import pytest

from translators.anthropic_messages.params import MAX_TOKENS
from translators.ir import Message, OutputFormat, Request, Text

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


# -- the output bound --------------------------------------------------------------------------------------------


def test_the_callers_bound_is_the_bound(render):
    body, report = render(max_output=7)
    assert (body["max_tokens"], report) == (7, {})


def test_without_one_it_is_the_models_largest(render):
    body, report = render(max_output=None)
    assert (body["max_tokens"], report) == (64_000, {})


def test_a_bound_over_the_models_largest_is_clamped(render):
    body, report = render(max_output=99_999)
    assert (body["max_tokens"], report) == (64_000, {"max_completion_tokens": "clamped"})


def test_with_no_bound_known_at_all_the_stated_one_is_told(render, target):
    body, report = render(max_output=None, profile=target(max_output=None))
    assert (body["max_tokens"], report) == (MAX_TOKENS, {"max_completion_tokens": "clamped"})


# -- sampling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sampling", "asked", "sent", "verdicts"),
    [
        ("all", {"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {}),
        ("all", {"temperature": 1.5}, {"temperature": 1.0}, {"temperature": "clamped"}),
        ("one_of", {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}, {"top_p": "dropped"}),
        ("one_of", {"temperature": 0.5, "top_p": 1}, {"temperature": 0.5}, {}),
        ("one_of", {"top_p": 0.9}, {"top_p": 0.9}, {}),
        ("none", {"temperature": 1, "top_p": 1}, {}, {}),
        (
            "none",
            {"temperature": 0.8, "top_p": 0.9, "top_k": 5},
            {},
            dict.fromkeys(("temperature", "top_p", "top_k"), "dropped"),
        ),
    ],
)
def test_sampling_goes_as_far_as_the_model_takes_it(render, target, sampling, asked, sent, verdicts):
    body, report = render(profile=target(sampling=sampling), **asked)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent
    assert report == verdicts


def test_a_plain_block_sends_no_more_than_the_format_takes(render, target):
    plain = target(vendor="", temperature_max=2.0)
    body, report = render(profile=plain, temperature=2, top_p=0.9)
    assert (body["temperature"], "top_p" in body) == (1.0, False)
    assert report == {"temperature": "clamped", "top_p": "dropped"}
    body, report = render(profile=plain, top_p=0.9)
    assert (body["top_p"], report) == (0.9, {})


def test_sampling_is_fixed_while_the_model_thinks(render, target):
    body, report = render(profile=target(sampling="one_of", thinking="adaptive"), temperature=0.2, effort="low")
    assert "temperature" not in body
    assert report == {"temperature": "dropped"}


# -- stop sequences ----------------------------------------------------------------------------------------------


def test_blank_stop_sequences_are_dropped_and_the_rest_kept(render):
    body, report = render(stop=("END", "\n", ""))
    assert (body["stop_sequences"], report) == (["END"], {"stop": "dropped"})


def test_more_stop_sequences_than_the_model_takes_are_cut(render, target):
    body, report = render(stop=("a", "b", "c"), profile=target(stop_max=2))
    assert (body["stop_sequences"], report) == (["a", "b"], {"stop": "clamped"})


# -- the output's form -------------------------------------------------------------------------------------------


def test_a_schema_goes_into_the_output_config(render):
    body, report = render(output=OutputFormat("json_schema", SCHEMA, name="answer", strict=True))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert report == {"response_format.json_schema.name": "approximated"}


def test_a_schema_that_had_to_be_fitted_is_told(render):
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    body, report = render(output=OutputFormat("json_schema", schema, description="An answer"))
    fitted = body["output_config"]["format"]["schema"]
    assert fitted["additionalProperties"] is False
    assert fitted["properties"]["a"] == {"type": "integer", "description": "minimum: 1"}
    assert fitted["description"] == "An answer"
    assert report == {"response_format.json_schema.schema": "approximated"}


def test_a_schema_is_refused_by_a_model_without_schemas_and_when_it_is_recursive(render, target):
    form = OutputFormat("json_schema", SCHEMA)
    body, report = render(output=form, profile=target(json_schema=False))
    assert "output_config" not in body
    assert report == {"response_format.json_schema": "refused"}
    loop = {"$ref": "#/$defs/A", "$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}}
    assert render(output=OutputFormat("json_schema", loop))[1] == {"response_format.json_schema.schema": "refused"}


@pytest.mark.parametrize("schema", [{"type": "object"}, {"properties": {"self": {"$ref": "#"}}}])
def test_a_schema_that_cannot_be_enforced_is_asked_for_in_words(render, schema):
    """Which only a client in lenient mode comes to: to others, the target is skipped."""
    body, _ = render(output=OutputFormat("json_schema", schema))
    assert "output_config" not in body
    assert body["system"][-1]["text"].endswith(orjson.dumps(schema).decode())
    assert render(output=OutputFormat("json_schema", {"type": "object", "maximum": 1 << 70}))[0].get("system") is None


def test_a_schema_is_refused_with_a_prefilled_answer(render, target, user, assistant):
    body, report = render(
        user(), assistant("{"), output=OutputFormat("json_schema", SCHEMA), profile=target(prefill=True)
    )
    assert "output_config" not in body
    assert report == {"response_format": "refused"}


def test_a_json_object_is_asked_for_in_words_behind_the_system_prompt(render, system, user):
    body, report = render(system(), user(), output=OutputFormat("json_object"))
    assert body["system"][0]["text"] == "Be brief."
    assert "JSON" in body["system"][1]["text"]
    assert report == {"response_format": "approximated"}


def test_plain_text_asks_for_nothing(render):
    body, report = render(output=OutputFormat("text"))
    assert report == {}
    assert "output_config" not in body


# -- hints and shapes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "report"),
    [
        ({"seed": 0}, {"seed": "dropped"}),
        ({"presence_penalty": 0.1}, {"presence_penalty": "dropped"}),
        ({"frequency_penalty": -1.0}, {"frequency_penalty": "dropped"}),
        ({"presence_penalty": 0.0, "frequency_penalty": 0.0, "logit_bias": {}}, {}),
        ({"logit_bias": {"50256": -100}}, {"logit_bias": "dropped"}),
        ({"verbosity": "low"}, {"verbosity": "dropped"}),
        ({"prediction": {"type": "content"}}, {"prediction": "dropped"}),
        ({"metadata": {"a": "b"}}, {"metadata": "dropped"}),
        ({"service_tier": "flex"}, {"service_tier": "dropped"}),
        ({"n": 2}, {"n": "refused"}),
        ({"n": 1, "logprobs": False}, {}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": "refused", "top_logprobs": "refused"}),
        ({"modalities": ("text", "audio")}, {"modalities": "refused"}),
        ({"audio": {"voice": "x"}}, {"modalities": "refused"}),
        ({"modalities": ("text",)}, {}),
    ],
)
def test_hints_are_dropped_and_shapes_refused(render, fields, report):
    body, got = render(**fields)
    assert got == report
    assert set(body) == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("asked", "sent", "report"),
    [
        ("auto", "auto", {}),
        ("default", "standard_only", {}),
        ("priority", "auto", {"service_tier": "approximated"}),
        ("fast", "auto", {"service_tier": "approximated"}),
    ],
)
def test_a_service_tier_is_said_in_anthropics_words(render, asked, sent, report):
    body, got = render(service_tier=asked)
    assert (body["service_tier"], got) == (sent, report)


def test_the_user_is_anthropics_user_id(render):
    body, report = render(user="u-1")
    assert (body["metadata"], report) == ({"user_id": "u-1"}, {})
    body, report = render(user="u-1", safety_identifier="s-1")
    assert (body["metadata"], report) == ({"user_id": "s-1"}, {"user": "dropped"})


@pytest.mark.parametrize("who", ["ada@example.org", "+49 (30) 901820", "x" * 257])
def test_a_personal_or_endless_user_is_sent_as_a_hash(render, who):
    body, report = render(user=who)
    assert len(body["metadata"]["user_id"]) == 64
    assert who not in str(body)
    assert report == {"user": "approximated"}


def test_anthropics_own_fields_pass_and_unknown_ones_are_dropped_and_told(render):
    extra = {"mcp_servers": [], "container": "c", "store": False, "prompt_cache_key": "k", "moderation": {"model": "m"}}
    body, report = render(extra=extra)
    assert (body["mcp_servers"], body["container"]) == ([], "c")
    assert "store" not in body
    assert report == {"prompt_cache_key": "dropped", "moderation": "dropped"}


def test_a_moderation_policy_is_refused(render):
    assert render(extra={"moderation": {"policy": {"input": {"mode": "block"}}}})[1] == {"moderation": "refused"}


def test_a_profile_has_the_last_word_on_fields(render, target):
    profile = target(rejects=frozenset({"stop_sequences"}), requires={"speed": "fast"}, renames={"metadata": "meta"})
    body, report = render(stop=("a",), user="u", profile=profile)
    assert (body["speed"], body["meta"]) == ("fast", {"user_id": "u"})
    assert report == {"stop": "dropped"}


def test_no_field_of_a_request_is_lost_without_a_word(render):
    """Each field, set alone to something unusual, changes the body or is in the report."""
    plain, _ = render()
    unusual = {
        "stream": True,
        "max_output": 9,
        "temperature": 0.3,
        "top_p": 0.3,
        "top_k": 3,
        "presence_penalty": 1.0,
        "frequency_penalty": 1.0,
        "logit_bias": {"1": 1},
        "seed": 1,
        "stop": ("x",),
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
        "tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "output": OutputFormat("json_object"),
        "effort": "high",
        "thinking_budget": 5000,
        "reasoning_summary": "auto",
        "verbosity": "low",
        "user": "u",
        "safety_identifier": "s",
        "service_tier": "flex",
        "metadata": {"a": "b"},
        "modalities": ("audio",),
        "audio": {},
        "prediction": {},
        "web_search": {},
        "extra": {"unheard_of": 1},
    }
    always_so = {"model", "items", "include_usage"}
    assert set(Request.__struct_fields__) == unusual.keys() | always_so
    for name, value in unusual.items():
        if value is not None:  # tools and their choice only mean something together: test_tools has them
            body, report = render(Message("user", (Text("Hi"),)), **{name: value})
            assert body != plain or report, name


def test_a_schema_that_is_none_is_refused(render):
    assert render(output=OutputFormat("json_schema"))[1] == {"response_format.json_schema": "refused"}
