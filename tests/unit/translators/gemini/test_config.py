"""Everything beside the conversation and the tools."""

import pytest

from translators.ir import OutputFormat, Tool

ALL = {"sampling": "all", "n_max": 8, "logprobs": True, "rejects": frozenset(), "tools_combine": False}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.fixture
def configured(render, target):
    def run(profile=(), **fields):
        body, report = render(profile=target(**dict(profile)), **fields)
        return body.get("generationConfig", {}), report

    return run


def test_everything_an_older_model_takes_is_said(configured):
    config, report = configured(
        ALL,
        max_output=9,
        temperature=0.5,
        top_p=0.9,
        top_k=4,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=7,
        stop=("a", "b"),
        n=2,
        logprobs=True,
        top_logprobs=3,
    )
    assert config == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 4,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "seed": 7,
        "stopSequences": ["a", "b"],
        "candidateCount": 2,
        "responseLogprobs": True,
        "logprobs": 3,
    }
    assert report == {}


def test_a_newer_model_fixes_its_sampling(configured):
    profile = {"sampling": "none", "logprobs": False, "rejects": frozenset({"seed", "presencePenalty"})}
    config, report = configured(
        profile, temperature=0.5, top_p=0.9, top_k=1, seed=7, presence_penalty=1, n=2, top_logprobs=1
    )
    assert config == {}
    assert report == {
        "temperature": "dropped",
        "top_p": "dropped",
        "top_k": "dropped",
        "seed": "dropped",
        "presence_penalty": "dropped",
        "n": "refused",
        "logprobs": "refused",
    }
    assert configured(profile, temperature=1, top_p=1, presence_penalty=0, n=1, logprobs=False) == ({}, {})


def test_values_past_a_bound_are_clamped(configured):
    profile = {**ALL, "max_output": 10, "temperature_max": 2.0}
    config, report = configured(profile, max_output=11, temperature=2.5, stop=("", "a", "b", "c", "d", "e", "f"))
    assert config == {"maxOutputTokens": 10, "temperature": 2.0, "stopSequences": ["a", "b", "c", "d", "e"]}
    assert report == {"max_completion_tokens": "clamped", "temperature": "clamped", "stop": "clamped"}
    assert configured(ALL, stop=("",)) == ({}, {"stop": "dropped"})


def test_one_of_temperature_and_top_p(configured):
    config, report = configured({**ALL, "sampling": "one_of"}, temperature=0.5, top_p=0.5)
    assert (config, report) == ({"temperature": 0.5}, {"top_p": "dropped"})


def test_an_answers_form_is_json(configured):
    config, report = configured(output=OutputFormat("json_schema", SCHEMA, name="n", description="D."))
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": {**SCHEMA, "description": "D."}}
    assert report == {"response_format.json_schema.name": "approximated"}
    assert configured(output=OutputFormat("json_object")) == ({"responseMimeType": "application/json"}, {})
    assert configured(output=OutputFormat("text")) == ({}, {})


@pytest.mark.parametrize(
    ("profile", "fields", "refused"),
    [
        ({"json_schema": False}, {}, "response_format.json_schema"),
        ({"tools_combine": False}, {"tools": (Tool("f"),)}, "response_format.json_schema"),
    ],
)
def test_a_form_that_the_model_cannot_give_skips_it(configured, profile, fields, refused):
    config, report = configured(profile, output=OutputFormat("json_schema", SCHEMA), **fields)
    assert (config, report) == ({}, {refused: "refused"})


def test_what_a_schema_loses_is_told(configured):
    odd = {"type": "string", "pattern": "a"}
    assert configured(output=OutputFormat("json_schema", odd))[1] == {
        "response_format.json_schema.schema": "approximated"
    }
    deep = {}
    for _ in range(70):
        deep = {"items": deep}
    assert configured(output=OutputFormat("json_schema", deep)) == (
        {},
        {"response_format.json_schema.schema": "refused"},
    )


def test_modalities(configured):
    assert configured(modalities=("text",)) == ({}, {})
    assert configured(modalities=("text", "image")) == ({"responseModalities": ["TEXT", "IMAGE"]}, {})
    assert configured(modalities=("text", "audio"), audio={"voice": "x"}) == ({}, {"modalities": "refused"})


def test_what_gemini_has_no_word_for_is_dropped(render):
    body, report = render(
        logit_bias={"1": 2},
        verbosity="low",
        prediction={},
        metadata={"a": "b"},
        user="ann",
        service_tier="scale",
        extra={"prompt_cache_key": "k", "store": False, "moderation": False, "other": None},
    )
    assert body.keys() == {"contents"}
    fields = ("logit_bias", "verbosity", "prediction", "metadata", "user", "service_tier", "prompt_cache_key")
    assert report == dict.fromkeys(fields, "dropped")
    assert render(extra={"moderation": {"policy": {"input": 1}}})[1] == {"moderation": "refused"}


def test_geminis_own_fields_pass(render):
    extra = {"safetySettings": [], "cachedContent": "c", "generationConfig": {"speechConfig": {}}}
    body, report = render(extra=extra, max_output=5)
    assert body["generationConfig"] == {"speechConfig": {}, "maxOutputTokens": 5}
    assert (body["cachedContent"], report) == ("c", {})


def test_storing_is_not_what_gemini_calls_so(render):
    """OpenAI keeps the answer for its caller; Gemini's `store` writes a log for the project's owner."""
    body, report = render(extra={"store": True})
    assert ("store" in body, report) == (False, {"store": "dropped"})


@pytest.mark.parametrize(
    ("tier", "said", "verdict"),
    [
        ("auto", None, None),
        ("default", "standard", None),
        ("flex", "flex", None),
        ("priority", "priority", None),
        ("fast", "priority", "approximated"),
        ("scale", None, "dropped"),
    ],
)
def test_service_tiers(render, target, tier, said, verdict):
    body, report = render(service_tier=tier)
    assert (body.get("serviceTier"), report.get("service_tier")) == (said, verdict)
    vertex = target(rejects=frozenset({"serviceTier"}))
    assert "serviceTier" not in render(service_tier=tier, profile=vertex)[0]


def test_a_user_is_a_label_on_vertex(render, target):
    vertex = target(rejects=frozenset())
    body, report = render(user="ann_1", profile=vertex)
    assert (body["labels"], report) == ({"user": "ann_1"}, {})
    body, report = render(user="Ann@x.test", safety_identifier="ID", profile=vertex)
    assert len(body["labels"]["user"]) == 63
    assert report == {"safety_identifier": "approximated", "user": "dropped"}


def test_the_profile_has_the_last_word(render, target):
    profile = target(
        requires={"safetySettings": [1]}, renames={"maxOutputTokens": "max"}, rejects=frozenset({"stopSequences"})
    )
    body, report = render(max_output=3, stop=("a",), profile=profile)
    assert (body["safetySettings"], body["generationConfig"]) == ([1], {"max": 3})
    assert report == {"stop": "dropped"}


def test_a_user_is_no_label_where_nobody_said_that_there_are_labels(render, target):
    body, report = render(user="ann", profile=target(vendor="", rejects=frozenset()))
    assert "labels" not in body
    assert report == {"user": "dropped"}
