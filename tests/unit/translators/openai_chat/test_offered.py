"""Tools that pass as they came, to a server that understands less of them."""

import pytest

from translators.openai_chat import relay_request
from translators.profile import Profile

USER = {"role": "user", "content": "u"}
NAMED = {"type": "function", "function": {"name": "g"}}


def function(name):
    return {"type": "function", "function": {"name": name}}


F, G, C = function("f"), function("g"), {"type": "custom", "custom": {"name": "c"}}


def allowed(mode, *tools):
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}


def relayed(tools, choice=None, **profile):
    body = {"model": "x", "messages": [USER], "tools": tools} | ({"tool_choice": choice} if choice else {})
    out, report = relay_request(body, Profile(model="m", **profile), None)
    told = [(entry.verdict.value, entry.field) for entry in report.entries]
    return out.get("tools"), out.get("tool_choice"), told


@pytest.mark.parametrize("choice", [None, "required", F])
def test_a_tool_of_free_text_skips_a_server_that_knows_functions_alone(choice):
    assert relayed([F, C], choice, free_text_tools=False) == ([F], choice, [("refused", "tools[1]")])
    assert relayed([F, C], choice) == ([F, C], choice, [])


def test_a_choice_of_what_is_not_offered_goes_with_it():
    chosen = {"type": "custom", "custom": {"name": "c"}}
    assert relayed([F, C], chosen, free_text_tools=False) == ([F], None, [("refused", "tools[1]")])
    assert relayed([C], "required", free_text_tools=False) == (None, None, [("refused", "tools[0]")])
    assert relayed([F, C], allowed("auto", chosen), free_text_tools=False)[1] is None


@pytest.mark.parametrize("name", ["x" * 65, "a.b", "a b"])
def test_a_name_that_the_vendor_does_not_take_skips_it(name):
    assert relayed([function(name), G], tool_name_max=64) == ([G], None, [("refused", "tools[0].function.name")])
    assert relayed([function(name)]) == ([function(name)], None, [])


@pytest.mark.parametrize(("mode", "word"), [("auto", "auto"), ("required", "required")])
@pytest.mark.parametrize("choices", ["named", "words"])
def test_allowed_tools_are_the_tools_that_are_left_where_the_word_is_not_known(mode, word, choices):
    told = [("approximated", "tool_choice.allowed_tools")]
    assert relayed([F, G, C], allowed(mode, G, C), tool_choices=choices) == ([G, C], word, told)
    assert relayed([F, G], allowed(mode, G)) == ([F, G], allowed(mode, G), [])


def test_a_tool_chosen_by_name_is_the_only_one_where_a_choice_is_a_word():
    """LM Studio answers an object with a 400."""
    assert relayed([F, G], NAMED, tool_choices="words") == ([G], "required", [("approximated", "tool_choice")])
    assert relayed([F, G], NAMED, tool_choices="named") == ([F, G], NAMED, [])
    assert relayed([F, G], "auto", tool_choices="words") == ([F, G], "auto", [])


@pytest.mark.parametrize("tools", [[F], [{"type": "novel"}, "odd"], [{"type": "function", "function": {"name": 1}}]])
def test_what_is_not_understood_passes(tools):
    """The vendor is to say what is wrong with it."""
    profile = {"tool_choices": "words", "free_text_tools": False, "tool_name_max": 64}
    assert relayed(tools, NAMED, **profile) == (tools, NAMED, [])
    assert relayed(tools, {"type": "novel"}, **profile) == (tools, {"type": "novel"}, [])
