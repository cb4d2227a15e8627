"""How complex a request looks: each part, in every dialect, and that it stays bounded."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.selection.complexity import NODES_READ, TEXT_READ, TURNS_READ, complexity, score

PLAIN = {"type": "object", "properties": {"a": {"type": "string"}}}


def asked(said="Hello", **more):
    return {"model": "auto", "messages": [{"role": "user", "content": said}], **more}


def deep(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def tool(schema):
    return {"type": "function", "function": {"name": "f", "parameters": schema}}


def part(body, name, hint=0.0):
    return round(dict(complexity(body, hint).parts).get(name, 0.0), 3)


def test_a_question_of_a_line_comes_to_nearly_nothing():
    found = complexity(asked("What is the capital of France?"))
    assert found.score <= 0.01
    assert [name for name, _ in found.parts] == ["length"]


@pytest.mark.parametrize(("tokens", "share"), [(256, 0.043), (2_700, 0.151), (32_768, 0.3), (1_000_000, 0.3)])
def test_length_counts_by_the_power_of_two_and_then_no_more(tokens, share):
    assert part(asked("abc" * tokens), "length") == share


def test_letters_of_several_bytes_weigh_as_many():
    assert part(asked("語" * 1_000), "length") == part(asked("abc" * 1_000), "length")
    assert part(asked("é" * 90_000), "length") == pytest.approx(part(asked("ab" * 90_000), "length"), abs=0.001)


@pytest.mark.parametrize(("turns", "share"), [(1, 0.0), (2, 0.011), (10, 0.1), (50, 0.1)])
def test_turns_count_from_the_second_one_on(turns, share):
    turn = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert part({"messages": turn * turns}, "turns") == share


@pytest.mark.parametrize(("count", "share"), [(0, 0.0), (1, 0.019), (8, 0.15), (128, 0.15)])
def test_tools_count_by_their_number(count, share):
    assert part(asked(tools=[tool(PLAIN)] * count), "tools") == share


@pytest.mark.parametrize(("levels", "share"), [(0, 0.0), (1, 0.02), (3, 0.06), (5, 0.1), (40, 0.1)])
@pytest.mark.parametrize(
    "place",
    [
        lambda schema: {"tools": [tool(schema)]},
        lambda schema: {"tools": [{"name": "f", "input_schema": schema}]},
        lambda schema: {"tools": [{"type": "function", "name": "f", "parameters": schema}]},
        lambda schema: {"functions": [{"name": "f", "parameters": schema}]},
        lambda schema: {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}},
        lambda schema: {"text": {"format": {"type": "json_schema", "schema": schema}}},
        lambda schema: {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    ],
)
def test_a_schema_counts_by_its_depth_wherever_a_dialect_has_it(levels, share, place):
    assert part(asked(**place(deep(levels))), "schema") == share


def test_a_schema_is_followed_through_lists_and_choices():
    schema = {"anyOf": [{"type": "null"}, {"type": "array", "items": {"oneOf": [PLAIN]}}]}
    assert part(asked(tools=[tool(schema)]), "schema") == 0.08
    both = {"items": {"type": "string"}, "anyOf": [deep(3)]}
    assert part(asked(tools=[tool(both)]), "schema") == 0.08


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Write to my landlord; be polite.", 0.0),
        ("See <the manual> = chapter 3 (all of it).", 0.0),
        ("What is wrong?\n```\nx\n```", 0.2),
        ("for (;;) {\n", 0.1),
        ("int main() {\n  return 0;\n}", 0.2),
        ("def f(x):\n    return {\n", 0.2),
        ("<p>Hello</p>", 0.1),
    ],
)
def test_code_is_seen_by_its_fence_or_by_two_signs(text, share):
    assert part(asked(text), "code") == share


def test_signs_of_code_may_stand_in_different_texts():
    turns = [{"role": "user", "content": "a;\n"}, {"role": "user", "content": "b {\n"}]
    assert part({"messages": turns}, "code") == 0.2


@pytest.mark.parametrize("kind", ["image_url", "input_image", "image", "document", "input_file", "file", "input_audio"])
def test_what_is_shown_counts_by_its_number(kind):
    content = [{"type": "text", "text": "What is this?"}, {"type": kind}]
    assert part({"messages": [{"role": "user", "content": content}]}, "images") == 0.033
    result = [{"type": "tool_result", "content": [{"type": kind}] * 3}]
    assert part({"messages": [{"role": "user", "content": result}]}, "images") == 0.1


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ({"reasoning_effort": "none"}, 0.0),
        ({"reasoning_effort": "low"}, 0.15),
        ({"reasoning_effort": "medium"}, 0.35),
        ({"reasoning_effort": "high"}, 0.7),
        ({"reasoning": {"effort": "xhigh"}}, 0.7),
        ({"output_config": {"effort": "max"}}, 0.7),
        ({"thinking": {"type": "enabled", "budget_tokens": 2_000}}, 0.15),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, 0.35),
        ({"thinking": {"type": "enabled", "budget_tokens": 60_000}}, 0.7),
        ({"thinking": {"type": "adaptive"}}, 0.35),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, 0.15),
        ({"thinking": {"type": "disabled"}}, 0.0),
    ],
)
def test_the_effort_that_is_asked_for_counts_as_each_dialect_says_it(said, share):
    assert part(asked(**said), "reasoning") == share


def test_a_tasks_hint_is_added_and_the_score_stays_between_0_and_1():
    assert complexity(asked(), 0.2).score == 0.2
    assert complexity(asked(), -0.5).score == 0.0
    assert complexity(asked(reasoning_effort="high", tools=[tool(deep(9))] * 9), 1.0).score == 1.0


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "int x() {\n;\n"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "int x() {\n;\n"}]}]},
        {"input": "int x() {\n;\n"},
        {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "int x() {\n;\n"}]}]},
        {"input": [{"type": "function_call_output", "call_id": "c", "output": "int x() {\n;\n"}]},
        {"prompt": "int x() {\n;\n"},
        {"prompt": ["int x() {\n;\n"]},
        {"system": [{"type": "text", "text": "int x() {\n;\n"}], "messages": []},
        {"instructions": "int x() {\n;\n", "input": ""},
    ],
)
def test_texts_are_found_in_every_dialect(body):
    assert dict(complexity(body).parts) == {"length": pytest.approx(0.001, abs=0.001), "code": 0.2}


def test_of_what_is_long_a_bounded_part_is_read():
    turns = [{"role": "user", "content": "```"}, *[{"role": "assistant", "content": "b"}] * TURNS_READ]
    assert part({"messages": turns}, "code") == 0.0
    assert part(asked("a" * TEXT_READ + "```"), "code") == 0.0
    wide = {"type": "object", "properties": {str(n): deep(9) for n in range(NODES_READ)}}
    assert part(asked(tools=[tool(wide)]), "schema") <= 0.1


ODD = (
    None,
    True,
    7,
    1e9,
    "",
    "high",
    "{\n",
    [],
    [None],
    [[]],
    ["a"],
    {},
    {"type": []},
    {"text": 7},
    {"properties": [1]},
)
JSON = st.sampled_from((*ODD, [{"role": [], "content": list(ODD)}], {"function": {"parameters": {"items": list(ODD)}}}))
FIELDS = (
    *("messages", "input", "prompt", "system", "instructions", "tools", "functions", "reasoning_effort"),
    *("reasoning", "thinking", "output_config", "response_format", "text"),
)
WITHIN = st.dictionaries(
    st.sampled_from(("content", "role", "type", "text", "function", "parameters", "properties", "items", "effort")),
    JSON,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON | WITHIN, max_size=4), st.floats(-1, 1))
def test_any_body_has_a_score_and_its_parts_add_up_to_it(body, hint):
    found = complexity(body, hint)
    assert 0 <= found.score <= 1
    assert found.score == round(found.score, 2)
    assert found.score == pytest.approx(min(1.0, max(0.0, sum(share for _, share in found.parts))), abs=0.005001)
    assert score(body, hint) == found.score
    assert all(share for _, share in found.parts)


@pytest.mark.parametrize(("hint", "told"), [(0.004, 0.0), (0.125, 0.13), (0.2949, 0.29), (0.296, 0.3), (0.999, 1.0)])
def test_a_score_has_two_decimals_halves_upwards(hint, told):
    assert score({}, hint) == told


def test_more_of_anything_never_looks_simpler():
    steps = [
        {},
        {"tools": [tool(PLAIN)]},
        {"reasoning_effort": "low"},
        {"response_format": {"json_schema": {"schema": deep(4)}}},
    ]
    scores = [complexity(asked(**more)).score for more in itertools.accumulate(steps, lambda one, more: one | more)]
    assert scores == sorted(scores)
    assert len(set(scores)) == len(scores)
