"""How a model is told to think, by the generation it belongs to."""

import pytest

from translators.anthropic_messages.thinking import BUDGETS, LEVELS
from translators.ir import Message, Opaque, Reasoning, Text, Tool, ToolCall, ToolChoice, ToolResult

ADAPTIVE = {"type": "adaptive", "display": "summarized"}
ORIGIN = "anthropic-messages|anthropic|claude-test|"


@pytest.fixture
def think(render, target):
    def run(*items, form="default", **fields):
        profile = {name: fields.pop(name) for name in ("efforts", "disable_efforts") if name in fields}
        body, report = render(*items, profile=target(thinking=form, **profile), **fields)
        return body.get("thinking"), body.get("output_config", {}).get("effort"), body["max_tokens"], report

    return run


@pytest.mark.parametrize("form", ["none", "budget", "adaptive", "default", "always", "between_tools", "effort"])
def test_nothing_is_said_where_nothing_was_asked(think, form):
    assert think(form=form) == (None, None, 100, {})


@pytest.mark.parametrize("form", ["adaptive", "default", "always", "between_tools"])
def test_an_effort_turns_thinking_on_with_a_summary(think, form):
    assert think(form=form, effort="medium") == (ADAPTIVE, "medium", 100, {})


def test_an_effort_alone_is_said_where_only_that_is_known(think):
    assert think(form="effort", effort="high") == (None, "high", 100, {})


def test_a_model_that_cannot_think_drops_the_effort(think):
    assert think(form="none", effort="high") == (None, None, 100, {"reasoning_effort": "dropped"})


@pytest.mark.parametrize(("asked", "budget"), BUDGETS.items())
def test_a_budget_model_gets_tokens_on_top_of_the_callers_bound(think, asked, budget):
    field, effort, bound, report = think(form="budget", effort=asked)
    assert field == {"type": "enabled", "budget_tokens": budget}
    assert (effort, bound) == (None, 100 + budget)
    assert report == {"max_completion_tokens": "approximated"}


def test_a_budget_the_caller_named_is_part_of_the_bound_already(think):
    field, _, bound, report = think(form="budget", thinking_budget=2000, max_output=5000)
    assert (field["budget_tokens"], bound, report) == (2000, 5000, {})


def test_a_budget_yields_to_the_models_largest_bound(render, target):
    profile = target(thinking="budget", max_output=12_000)
    body, report = render(profile=profile, effort="high", max_output=2_000)
    assert body["max_tokens"] == 12_000
    assert body["thinking"]["budget_tokens"] == 10_000
    assert report["reasoning_effort"] == "clamped"


def test_a_budget_that_fits_nowhere_is_dropped(render, target):
    body, report = render(profile=target(thinking="budget", max_output=900), thinking_budget=1024, max_output=800)
    assert "thinking" not in body
    assert report["reasoning_effort"] == "dropped"


def test_a_budget_under_the_least_is_raised(think):
    assert think(form="budget", thinking_budget=10, max_output=5000)[0]["budget_tokens"] == 1024


@pytest.mark.parametrize(
    ("form", "field", "verdict"),
    [
        ("budget", None, {}),
        ("adaptive", None, {}),
        ("none", None, {}),
        ("default", {"type": "disabled"}, {}),
        ("between_tools", {"type": "between_tools"}, {"reasoning_effort": "approximated"}),
        ("always", None, {"reasoning_effort": "refused"}),
    ],
)
def test_an_effort_of_none_turns_thinking_off_as_far_as_the_model_can(think, form, field, verdict):
    got, effort, _, report = think(form=form, effort="none")
    assert (got, report) == (field, verdict)
    assert effort == ("low" if form == "always" else None)


@pytest.mark.parametrize(
    ("asked", "taken", "efforts"),
    [
        ("minimal", "low", LEVELS),
        ("xhigh", "max", ("low", "medium", "high", "max")),
        ("xhigh", "high", ("low", "medium", "high")),
        ("max", "high", ("low", "medium", "high")),
        ("medium", "low", ("low", "high")),
        ("low", "high", ("high",)),
    ],
)
def test_a_level_the_model_lacks_moves_to_the_nearest_and_is_told(think, asked, taken, efforts):
    assert think(effort=asked, efforts=efforts)[1:] == (taken, 100, {"reasoning_effort": "clamped"})


def test_any_level_passes_where_none_are_known(think):
    assert think(effort="xhigh", efforts=())[1] == "xhigh"


def test_a_budget_becomes_the_least_effort_that_covers_it(think):
    field, effort, _, report = think(thinking_budget=5000)
    assert (field, effort, report) == (ADAPTIVE, "medium", {"thinking.budget_tokens": "approximated"})


def test_a_thinking_object_of_the_callers_own_is_read_and_its_display_kept(think):
    given = {"type": "adaptive", "display": "omitted"}
    assert think(extra={"thinking": given}) == (given, None, 100, {})


def test_a_thinking_object_in_another_vendors_form_still_means_thinking(think):
    assert think(extra={"thinking": {"type": "enabled"}})[0] == ADAPTIVE
    assert think(extra={"thinking": {"type": "disabled"}})[0] == {"type": "disabled"}


def test_thinking_is_off_only_at_an_effort_that_allows_it(think):
    extra = {"output_config": {"effort": "max"}}
    field, effort, _, report = think(effort="none", extra=extra, disable_efforts=("low", "medium", "high"))
    assert (field, effort) == ({"type": "disabled"}, "high")
    assert report == {"output_config.effort": "clamped"}


def test_enabled_thinking_is_dropped_under_a_forced_tool_choice(think):
    tools = {"tools": (Tool("f"),), "tool_choice": ToolChoice("required")}
    assert think(form="budget", effort="low", **tools) == (None, None, 100, {"reasoning_effort": "dropped"})
    assert think(form="adaptive", effort="low", **tools)[0] == ADAPTIVE


def test_enabled_thinking_is_dropped_in_a_tool_loop_whose_thinking_was_lost(think, user):
    call, result = ToolCall("1", "f", "{}"), ToolResult("1", (Text("r"),))
    lost = think(user(), call, result, form="budget", effort="low")
    assert (lost[0], lost[3]) == (None, {"reasoning_effort": "dropped"})
    kept = think(user(), Reasoning("t", Opaque("signature", "s", ORIGIN)), call, result, form="budget", effort="low")
    assert kept[0] == {"type": "enabled", "budget_tokens": 2048}


def test_a_system_message_at_the_end_does_not_hide_the_tool_loop(think, user):
    loop = (user(), ToolCall("1", "f", "{}"), ToolResult("1", (Text("r"),)), Message("system", (Text("s"),)))
    assert think(*loop, form="budget", effort="low")[0] is None


@pytest.mark.parametrize(
    ("thinking", "field", "noted"),
    [
        ("always", {"type": "adaptive", "display": "summarized"}, []),
        ("default", {"type": "adaptive", "display": "summarized"}, []),
        ("adaptive", None, ["reasoning.summary"]),
        ("none", None, ["reasoning.summary"]),
    ],
)
def test_a_summary_is_shown_of_what_a_model_thinks_by_itself(think, thinking, field, noted):
    told, _, _, report = think(Message("user", (Text("Hi"),)), form=thinking, max_output=99, reasoning_summary="auto")
    assert told == field
    assert list(report) == noted


def test_a_kind_of_thinking_that_is_no_name_turns_nothing_off(think):
    assert think(form="adaptive", extra={"thinking": {"type": []}})[0] is not None
