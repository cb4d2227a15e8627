"""A neutral request as a body of this dialect."""

import pytest
from msgspec import structs

from translators.ir import Message, OutputFormat, Request, Text, Tool, ToolChoice
from translators.openai_responses import render_request


@pytest.fixture
def rendered(profile):
    """The body of a request with these fields, without what every body has, and what was lost."""

    def run(quirks=None, **fields):
        request = Request(model="x", items=(Message("user", (Text("hi"),)),), **fields)
        body, report = render_request(request, structs.replace(profile, **(quirks or {})))
        assert (body.pop("model"), body.pop("input")) == ("m-1", [{"role": "user", "content": "hi"}])
        return body, report.header()

    return run


def test_nothing_is_stored_and_reasoning_is_asked_for_as_a_blob(rendered):
    assert rendered() == ({"store": False, "include": ["reasoning.encrypted_content"]}, "")


def test_a_model_that_does_not_reason_is_not_asked_for_it(rendered):
    """It would answer with a 400."""
    assert rendered({"thinking": "none"}) == ({"store": False}, "")


def test_what_has_a_word_is_said(rendered):
    body, lost = rendered(
        stream=True,
        max_output=100,
        temperature=0.5,
        top_p=0.9,
        parallel_tool_calls=False,
        user="u",
        safety_identifier="s",
        service_tier="flex",
        metadata={"a": "b"},
        effort="high",
        reasoning_summary="auto",
        verbosity="low",
        tools=(Tool("f"),),
        tool_choice=ToolChoice("named", ("f",)),
        output=OutputFormat("json_schema", {"type": "object"}, "n", "d", strict=True),
    )
    assert lost == ""
    assert body == {
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "max_output_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "parallel_tool_calls": False,
        "user": "u",
        "safety_identifier": "s",
        "service_tier": "flex",
        "metadata": {"a": "b"},
        "reasoning": {"effort": "high", "summary": "auto"},
        "text": {
            "format": {
                "type": "json_schema",
                "name": "n",
                "schema": {"type": "object"},
                "description": "d",
                "strict": True,
            },
            "verbosity": "low",
        },
        "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}
        ],
        "tool_choice": {"type": "function", "name": "f"},
    }


def test_a_bound_below_the_least_is_raised(rendered):
    body, lost = rendered(max_output=3)
    assert (body["max_output_tokens"], lost) == (16, "clamped=max_completion_tokens")


def test_a_bound_above_the_models_own_is_cut(rendered):
    body, lost = rendered({"max_output": 1000}, max_output=5000)
    assert (body["max_output_tokens"], lost) == (1000, "clamped=max_completion_tokens")


@pytest.mark.parametrize("name", ["text", "json_object"])
def test_other_forms_of_answers_have_no_more_than_a_kind(rendered, name):
    assert rendered(output=OutputFormat(name))[0]["text"] == {"format": {"type": name}}


@pytest.mark.parametrize(
    ("budget", "effort"), [(500, "minimal"), (4096, "low"), (10_000, "medium"), (20_000, "high"), (50_000, "xhigh")]
)
def test_a_budget_is_said_as_an_effort(rendered, budget, effort):
    body, lost = rendered(thinking_budget=budget)
    assert (body["reasoning"], lost) == ({"effort": effort}, "approximated=thinking.budget_tokens")


def test_an_effort_outranks_a_budget(rendered):
    body, lost = rendered(thinking_budget=500, effort="high")
    assert (body["reasoning"], lost) == ({"effort": "high"}, "dropped=thinking.budget_tokens")


def test_probabilities_are_included(rendered):
    body, _ = rendered(logprobs=True, top_logprobs=3)
    assert body["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]
    assert body["top_logprobs"] == 3


def test_probabilities_of_a_model_that_gives_none_are_refused(rendered):
    body, lost = rendered({"logprobs": False}, logprobs=True, top_logprobs=3)
    assert ("top_logprobs" in body, body["include"]) == (False, ["reasoning.encrypted_content"])
    assert lost == "dropped=logprobs"


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"seed": 0}, "dropped=seed"),
        ({"stop": ("x",)}, "dropped=stop"),
        ({"top_k": 5}, "dropped=top_k"),
        ({"presence_penalty": 0.5, "frequency_penalty": 0}, "dropped=presence_penalty"),
        ({"logit_bias": {"1": 5.0}}, "dropped=logit_bias"),
        ({"prediction": {"type": "content"}}, "dropped=prediction"),
        ({"n": 2}, "dropped=n"),
        ({"modalities": ("text", "audio")}, "dropped=modalities"),
        ({"modalities": ("text",)}, ""),
        ({"extra": {"novel": 1}}, "dropped=novel"),
    ],
)
def test_what_has_no_word_is_reported(rendered, fields, lost):
    assert rendered(**fields) == ({"store": False, "include": ["reasoning.encrypted_content"]}, lost)


def test_what_chat_and_this_dialect_both_know_passes(rendered):
    body, lost = rendered(extra={"store": True, "prompt_cache_key": "k"})
    assert (body["store"], body["prompt_cache_key"], lost) == (True, "k", "")


def test_the_wish_to_be_shown_the_thinking_is_a_summary_and_no_loss(rendered):
    shown = {"thinking": {"display": "summarized"}}
    assert rendered(extra=shown, reasoning_summary="auto")[1] == ""
    assert rendered(extra=shown)[1] == "dropped=thinking.display"
