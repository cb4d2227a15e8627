"""Bodies made to fit what a model takes."""

import pytest

from translators.openai_responses.fit import CHAT_NAMES, Fit
from translators.profile import Profile
from translators.report import Report

SCHEMA = {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"}


def fitted(body, names=None, **quirks):
    report = Report()
    out = {"model": "m", "input": "hi", **body}
    Fit(out, Profile(**quirks), report, names or {}).run()
    assert (out.pop("model"), out.pop("input")) == ("m", "hi")
    return out, report.header()


@pytest.mark.parametrize(
    ("body", "quirks", "out", "lost"),
    [
        ({"temperature": 0.5}, {"sampling": "none"}, {}, "dropped=temperature"),
        ({"temperature": 1}, {"sampling": "none"}, {}, ""),
        ({"temperature": 1.8}, {"temperature_max": 1.0}, {"temperature": 1.0}, "clamped=temperature"),
        ({"temperature": 0.5, "top_p": 0.5}, {"sampling": "one_of"}, {"temperature": 0.5}, "dropped=top_p"),
        ({"top_p": 0.5}, {"sampling": "one_of"}, {"top_p": 0.5}, ""),
        ({"tools": [{}], "tool_choice": "auto"}, {"tools": False}, {}, "dropped=tools"),
        ({"tool_choice": "required"}, {"forced_tool_choice": False}, {}, "dropped=tool_choice"),
        ({"tool_choice": "none"}, {"forced_tool_choice": False}, {"tool_choice": "none"}, ""),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "auto"}},
            {"forced_tool_choice": False},
            {"tool_choice": {"type": "allowed_tools", "mode": "auto"}},
            "",
        ),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}, {}, "dropped=parallel_tool_calls"),
        ({"parallel_tool_calls": True}, {"parallel_tool_calls": False}, {}, ""),
        ({"text": SCHEMA}, {"json_schema": False}, {"text": {"verbosity": "low"}}, "dropped=text.format"),
        ({"max_output_tokens": 9}, {"max_output": 5}, {"max_output_tokens": 5}, "clamped=max_output_tokens"),
        ({"metadata": {"a": "b"}}, {"rejects": frozenset({"metadata", "model"})}, {}, "dropped=metadata"),
        ({"metadata": {}}, {"rejects": frozenset({"metadata"})}, {}, ""),
        ({}, {"requires": {"provider": {"zdr": True}}}, {"provider": {"zdr": True}}, ""),
        ({"reasoning": {"effort": "low"}}, {"thinking": "none"}, {}, "dropped=reasoning.effort"),
        ({"reasoning": {"effort": "none"}}, {"thinking": "none"}, {}, ""),
    ],
)
def test_what_a_model_does_not_take_is_left_out(body, quirks, out, lost):
    assert fitted(body, **quirks) == (out, lost)


@pytest.mark.parametrize(
    ("asked", "sent", "lost"),
    [
        ("minimal", "low", "clamped=reasoning.effort"),
        ("high", "high", ""),
        ("novel", "novel", ""),
        ("max", "xhigh", "clamped=reasoning.effort"),
    ],
)
def test_an_effort_is_the_nearest_that_the_model_knows(asked, sent, lost):
    body = {"reasoning": {"effort": asked, "summary": "auto"}}
    out, told = fitted(body, efforts=("low", "medium", "high", "xhigh"))
    assert (out["reasoning"], told) == ({"effort": sent, "summary": "auto"}, lost)
    assert body["reasoning"]["effort"] == asked


def test_the_strongest_effort_is_offered_here_though_chat_has_it_not():
    out, lost = fitted({"reasoning": {"effort": "max"}}, efforts=("low", "xhigh"), reasons=True)
    assert (out["reasoning"]["effort"], lost) == ("max", "")


def test_losses_are_told_in_the_clients_words():
    body = {"reasoning": {"effort": "max"}, "text": SCHEMA}
    _, lost = fitted(body, CHAT_NAMES, efforts=("low",), json_schema=False)
    assert lost == "dropped=response_format; clamped=reasoning_effort"


def test_no_field_of_this_dialect_is_named_in_the_report_of_a_translation():
    asked = {"text": {"format": {"type": "json_object"}}, "reasoning": {"effort": "low"}, "include": ["x"]}
    _, lost = fitted(asked, CHAT_NAMES, rejects=frozenset(asked))
    assert lost == "dropped=logprobs,reasoning_effort,response_format"
