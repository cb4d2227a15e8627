"""An Anthropic client's tools and its choice among them."""

import pytest

from translators.anthropic_messages.tools_in import choice_of, is_own_tool, tools_of
from translators.faults import Malformed
from translators.ir import Tool, ToolChoice


def test_the_callers_own_tools_are_read_and_those_the_vendor_runs_are_kept_whole():
    bash = {"type": "bash_20250124", "name": "bash"}
    own = {"type": "custom", "name": "f", "input_schema": {}, "strict": True, "defer_loading": True}
    extra = {}
    assert [is_own_tool(tool) for tool in (own, {"name": "g"}, bash)] == [True, True, False]
    tools, search = tools_of({"tools": [own, bash]}, extra)
    assert tools == (Tool("f", None, {}, strict=True, extra={"defer_loading": True}),)
    assert (search, extra) == (None, {"tools": {"tools.1": bash}})


def test_a_plain_search_has_a_word_and_one_that_says_more_is_kept_whole():
    plain = {
        "type": "web_search_20250305",
        "name": "web_search",
        "user_location": {"type": "approximate", "city": "Turin"},
    }
    extra = {}
    search = tools_of({"tools": [plain]}, extra)[1]
    assert search == {"user_location": {"type": "approximate", "approximate": {"city": "Turin"}}}
    more = {**plain, "max_uses": 3}
    assert tools_of({"tools": [more]}, extra)[1] is None
    assert extra == {"tools": {"tools.0": more}}


@pytest.mark.parametrize(
    ("given", "choice", "parallel"),
    [
        (None, None, None),
        ({"type": "any"}, ToolChoice("required"), None),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice("auto"), False),
        ({"type": "tool", "name": "f"}, ToolChoice("named", ("f",)), None),
    ],
)
def test_a_choice_has_its_word(given, choice, parallel):
    assert choice_of(given) == (choice, parallel)


def test_a_choice_of_another_kind_is_told():
    with pytest.raises(Malformed) as raised:
        choice_of({"type": "some"})
    assert raised.value.param == "tool_choice.type"
