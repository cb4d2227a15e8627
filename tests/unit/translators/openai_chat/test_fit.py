"""A wire body made to fit a profile."""

import pytest

from translators.openai_chat.fit import fit
from translators.profile import Profile
from translators.report import Report

SCHEMA = {"type": "json_schema", "json_schema": {"name": "n"}}
NAMED = {"type": "function", "function": {"name": "f"}}


def fitted(body, **profile):
    report = Report()
    body = dict(body)
    fit(body, Profile(**profile), report)
    return body, [(entry.field, entry.verdict.value) for entry in report.entries]


def test_the_plain_profile_changes_nothing():
    body = {
        "n": 3,
        "stop": ["a"] * 4,
        "logprobs": True,
        "temperature": 2,
        "top_p": 0.5,
        "response_format": SCHEMA,
        "tools": [NAMED],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "reasoning_effort": "max",
    }
    assert fitted(body) == (body, [])


@pytest.mark.parametrize(
    ("body", "profile", "left", "noted"),
    [
        ({"n": 2}, {"n_max": 1}, {}, [("n", "refused")]),
        ({"n": 1}, {"n_max": 1}, {"n": 1}, []),
        ({"stop": ["a", "b"]}, {"stop_max": 1}, {"stop": ["a"]}, [("stop", "clamped")]),
        ({"stop": "a"}, {"stop_max": 1}, {"stop": "a"}, []),
        ({"stop": "a"}, {"stop_max": 0}, {}, [("stop", "dropped")]),
        ({"stop": []}, {"stop_max": 0}, {"stop": []}, []),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": False}, {}, [("logprobs", "refused")]),
        ({"logprobs": False, "top_logprobs": 0}, {"logprobs": False}, {}, []),
        ({"temperature": 1.8}, {"temperature_max": 1.5}, {"temperature": 1.5}, [("temperature", "clamped")]),
        ({"temperature": 0.2}, {"sampling": "none"}, {}, [("temperature", "dropped")]),
        ({"temperature": 1, "top_p": 1}, {"sampling": "none"}, {}, []),
        ({"top_p": 0.2}, {"sampling": "none"}, {}, [("top_p", "dropped")]),
        ({"temperature": 0.2, "top_p": 0.3}, {"sampling": "one_of"}, {"temperature": 0.2}, [("top_p", "dropped")]),
        ({"top_p": 0.3}, {"sampling": "one_of"}, {"top_p": 0.3}, []),
        ({"response_format": SCHEMA}, {"json_schema": False}, {}, [("response_format", "refused")]),
        (
            {"response_format": {"type": "json_object"}},
            {"json_schema": False},
            {"response_format": {"type": "json_object"}},
            [],
        ),
        ({"tools": [NAMED], "tool_choice": "auto"}, {"tools": False}, {}, [("tools", "refused")]),
        ({"tools": []}, {"tools": False}, {}, []),
        ({"tool_choice": NAMED}, {"forced_tool_choice": False}, {}, [("tool_choice", "refused")]),
        ({"tool_choice": "required"}, {"forced_tool_choice": False}, {}, [("tool_choice", "refused")]),
        ({"tool_choice": "none"}, {"forced_tool_choice": False}, {"tool_choice": "none"}, []),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}, {}, [("parallel_tool_calls", "dropped")]),
        ({"parallel_tool_calls": True}, {"parallel_tool_calls": False}, {}, []),
        ({"reasoning_effort": "low"}, {"thinking": "none"}, {}, [("reasoning_effort", "dropped")]),
        ({"reasoning_effort": "none"}, {"thinking": "none"}, {}, []),
        (
            {"reasoning_effort": "xhigh"},
            {"efforts": ("low", "high")},
            {"reasoning_effort": "high"},
            [("reasoning_effort", "clamped")],
        ),
        (
            {"reasoning_effort": "medium"},
            {"efforts": ("low", "high")},
            {"reasoning_effort": "low"},
            [("reasoning_effort", "clamped")],
        ),
        ({"reasoning_effort": "ultra"}, {"efforts": ("low",)}, {"reasoning_effort": "ultra"}, []),
        ({"seed": 1}, {"rejects": frozenset({"seed"})}, {}, [("seed", "dropped")]),
        ({"logit_bias": {}}, {"rejects": frozenset({"logit_bias"})}, {}, []),
        ({"store": False}, {"rejects": frozenset({"store"})}, {}, []),
        ({"modalities": ["audio"]}, {"rejects": frozenset({"modalities"})}, {}, [("modalities", "refused")]),
        ({"seed": 1}, {"renames": {"seed": "random_seed"}}, {"random_seed": 1}, []),
        ({"seed": 1, "random_seed": 2}, {"renames": {"seed": "random_seed"}}, {"random_seed": 2}, []),
        ({}, {"requires": {"provider": {"x": 1}}}, {"provider": {"x": 1}}, []),
        ({"provider": {}}, {"requires": {"provider": {"x": 1}}}, {"provider": {}}, []),
        (
            {"n": None, "stop": None, "temperature": None},
            {"n_max": 1},
            {"n": None, "stop": None, "temperature": None},
            [],
        ),
    ],
)
def test_a_limit_changes_the_body_and_is_noted(body, profile, left, noted):
    assert fitted(body, **profile) == (left, noted)


def test_a_field_that_went_with_another_is_not_asked_for_again():
    body = {"tools": [NAMED], "tool_choice": "required", "logprobs": True, "top_logprobs": 1}
    assert fitted(body, tools=False, forced_tool_choice=False, logprobs=False)[0] == {}


def test_a_choice_that_only_narrows_the_tools_forces_nothing():
    narrow = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}
    assert fitted({"tool_choice": narrow}, forced_tool_choice=False) == ({"tool_choice": narrow}, [])
    forced = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}
    assert fitted({"tool_choice": forced}, forced_tool_choice=False)[1] == [("tool_choice", "refused")]


@pytest.mark.parametrize(
    ("field", "value", "noted"),
    [
        ("web_search_options", {}, [("web_search_options", "refused")]),  # an empty object asks for a search
        ("moderation", {"model": "m", "policy": {"input": {"mode": "block"}}}, [("moderation", "refused")]),
        ("moderation", {"model": "m"}, [("moderation", "dropped")]),
        ("modalities", ["text"], []),
        ("modalities", ["text", "audio"], [("modalities", "refused")]),
        ("verbosity", "medium", []),
        ("verbosity", "low", [("verbosity", "dropped")]),
    ],
)
def test_what_a_model_takes_no_notice_of_is_told_by_what_it_asks_for(field, value, noted):
    assert fitted({field: value}, rejects=frozenset({field})) == ({}, noted)
