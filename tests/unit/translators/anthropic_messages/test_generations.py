"""Requests of Claude's own clients that go from one generation to another."""

import copy

import pytest

from translators.anthropic_messages import relay_request
from translators.profile import Profile

USER = {"role": "user", "content": "q"}
OLDER = Profile(model="m", thinking="budget", sampling="one_of", system_anywhere=False)
MIDDLE = Profile(
    model="m", thinking="adaptive", sampling="one_of", efforts=("low", "medium", "high", "max"), prefill=False
)
NEWER = Profile(model="m", thinking="default", sampling="none", efforts=("low", "medium", "high", "xhigh", "max"))
ALWAYS = Profile(model="m", thinking="always", sampling="none", forced_tool_choice=False, prefill=False)
BETWEEN = Profile(model="m", thinking="between_tools", sampling="none", disable_efforts=("low", "medium", "high"))
ENABLED = {"type": "enabled", "budget_tokens": 3000}
ADAPTIVE = {"type": "adaptive"}


def relayed(profile, *messages, **fields):
    body = {"model": "x", "max_tokens": 8000, "messages": list(messages or (USER,)), **fields}
    before = copy.deepcopy(body)
    out, report = relay_request(body, profile, None)
    assert body == before
    changed = {name: out.get(name) for name in out.keys() | body.keys() if out.get(name) != body.get(name)}
    changed.pop("model")
    return changed, [(entry.verdict.value, entry.field) for entry in report.entries]


def test_a_plain_server_is_told_what_the_client_says():
    fields = {"temperature": 0.2, "top_p": 0.5, "thinking": ENABLED, "tool_choice": {"type": "any"}}
    fields |= {"output_config": {"effort": "xhigh"}}
    last = {"role": "assistant", "content": "{"}
    assert relayed(Profile(model="m"), USER, {"role": "system", "content": "s"}, last, **fields) == ({}, [])


@pytest.mark.parametrize(
    ("profile", "fields", "changed", "told"),
    [
        (NEWER, {"temperature": 0.2, "top_k": 5}, {"temperature": None, "top_k": None}, ["temperature", "top_k"]),
        (NEWER, {"temperature": 1, "top_p": 1}, {"temperature": None, "top_p": None}, []),
        (OLDER, {"temperature": 0.2, "top_p": 0.5, "top_k": 5}, {"top_p": None}, ["top_p"]),
        (OLDER, {"top_p": 0.5}, {}, []),
    ],
)
def test_sampling_that_a_generation_has_no_more_is_left_out_and_told(profile, fields, changed, told):
    assert relayed(profile, **fields) == (changed, [("dropped", name) for name in told])


@pytest.mark.parametrize("profile", [OLDER, MIDDLE])
def test_a_number_of_tokens_stays_with_models_that_take_one(profile):
    assert relayed(profile, thinking=ENABLED) == ({}, [])


@pytest.mark.parametrize("profile", [NEWER, ALWAYS, BETWEEN, Profile(model="m", thinking="adaptive", sampling="none")])
def test_newer_models_think_at_the_effort_nearest_to_a_number_of_tokens_and_show_it(profile):
    shown = {"type": "adaptive", "display": "summarized"}
    told = [("approximated", "thinking.budget_tokens")]
    assert relayed(profile, thinking=ENABLED) == ({"thinking": shown, "output_config": {"effort": "medium"}}, told)
    config = {"effort": "low", "format": {"type": "json_schema", "schema": {}}}
    assert relayed(profile, thinking=ENABLED, output_config=config) == ({"thinking": shown}, told)


def test_older_models_are_given_a_number_of_tokens_that_leaves_room_for_the_answer():
    told = [("approximated", "thinking.type")]
    enabled = {"type": "enabled", "budget_tokens": 4000}
    assert relayed(OLDER, thinking={**ADAPTIVE, "display": "omitted"}) == ({"thinking": enabled}, told)
    changed, told = relayed(OLDER, thinking=ADAPTIVE, output_config={"effort": "low"})
    assert changed == {"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": None}
    assert told == [("approximated", "thinking.type"), ("dropped", "output_config.effort")]
    assert relayed(OLDER, thinking=ADAPTIVE, max_tokens=900) == ({"thinking": None}, [("dropped", "thinking")])
    assert relayed(MIDDLE, thinking=ADAPTIVE) == ({}, [])


@pytest.mark.parametrize(
    ("profile", "kind", "expected", "told"),
    [
        (NEWER, "disabled", {"type": "disabled"}, []),
        (BETWEEN, "disabled", {"type": "between_tools"}, [("approximated", "thinking")]),
        (ALWAYS, "disabled", None, [("refused", "thinking")]),
        (BETWEEN, "between_tools", {"type": "between_tools"}, []),
        (NEWER, "between_tools", None, [("dropped", "thinking.type")]),
        (Profile(model="m", thinking="none"), "adaptive", None, [("dropped", "thinking")]),
        (NEWER, "novel", {"type": "novel"}, []),
    ],
)
def test_less_thinking_is_said_as_the_model_has_it(profile, kind, expected, told):
    given = {"type": kind}
    assert relayed(profile, thinking=given) == ({} if expected == given else {"thinking": expected}, told)


@pytest.mark.parametrize(
    ("profile", "thinking", "effort", "expected", "told"),
    [
        (NEWER, ADAPTIVE, "xhigh", "xhigh", []),
        (MIDDLE, ADAPTIVE, "xhigh", "max", [("clamped", "output_config.effort")]),
        (BETWEEN, {"type": "between_tools"}, "max", "high", [("clamped", "output_config.effort")]),
        (NEWER, ADAPTIVE, "novel", "novel", []),
    ],
)
def test_an_effort_is_one_that_the_model_knows(profile, thinking, effort, expected, told):
    changed, found = relayed(profile, thinking=thinking, output_config={"effort": effort})
    assert changed == ({} if effort == expected else {"output_config": {"effort": expected}})
    assert found == told


def test_a_forced_tool_choice_skips_who_refuses_it():
    choice = {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    changed, told = relayed(ALWAYS, tool_choice=choice)
    assert changed == {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    assert told == [("refused", "tool_choice")]
    assert relayed(NEWER, tool_choice=choice) == ({}, [])
    assert relayed(ALWAYS, tool_choice={"type": "none"}) == ({}, [])


@pytest.mark.parametrize("content", ["{", [{"type": "text", "text": "{"}]])
def test_an_answer_begun_by_the_client_skips_who_refuses_it(content):
    begun = {"role": "assistant", "content": content}
    changed, told = relayed(MIDDLE, USER, begun)
    assert changed["messages"] == [USER, begun, {"role": "user", "content": "Continue."}]
    assert told == [("refused", "messages.1")]
    assert relayed(OLDER, USER, begun) == ({}, [])


def test_a_turn_that_the_vendor_paused_is_no_answer_begun():
    run = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    for content in ([run], [run, {"type": "text", "text": "so far"}], []):
        assert relayed(MIDDLE, USER, {"role": "assistant", "content": content}) == ({}, [])


def test_a_later_system_message_is_the_users_where_the_model_takes_none():
    block = {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}
    for content, blocks in (("s", [{"type": "text", "text": "s"}]), ([block, "odd"], [block, "odd"])):
        changed, told = relayed(OLDER, USER, {"role": "system", "content": content})
        wrapped = [{**one, "text": "<system>\ns\n</system>"} if isinstance(one, dict) else one for one in blocks]
        assert changed["messages"] == [USER, {"role": "user", "content": wrapped}]
        assert told == [("approximated", "messages.1.role")]
    assert relayed(NEWER, USER, {"role": "system", "content": "s"}) == ({}, [])
