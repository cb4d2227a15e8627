"""What a scripted provider says, as a pure function of the question."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.drill.speech import Question, Style, Tool, speak, tokens

QUESTION = Question(key="k", provider="alpha", model="m", stream=False, text="how are you", heard=11)
WEATHER = Tool("weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
CLOCK = Tool("clock", {})


def test_the_text_echoes_the_question_behind_the_note():
    assert speak(QUESTION, "[demo] ").text == "[demo] demo answer from alpha: how are you"


def test_tokens_are_bytes_by_four_rounded_up():
    reply = speak(QUESTION)
    assert reply.prompt_tokens == tokens(11) == 3
    assert reply.completion_tokens == tokens(len("demo answer from alpha: how are you")) == 9


def test_all_of_a_cached_prompt_but_one_token_was_read_from_the_cache():
    assert [speak(QUESTION, style=Style(cached=cached)).cached_tokens for cached in (False, True)] == [0, 2]


def test_images_and_tool_results_are_told():
    text = speak(replace(QUESTION, images=("image/png", "url"), tool_results=1)).text
    assert text.endswith("I see 2 images (image/png, url). I have 1 tool result.")


def test_a_tool_is_called_with_the_smallest_arguments_its_schema_takes():
    reply = speak(replace(QUESTION, tools=(WEATHER, CLOCK)))
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", '{"city":"demo"}')]
    assert (reply.text, reply.finish) == ("", "tools")


@pytest.mark.parametrize(
    ("tools", "allowed", "names"),
    [
        ((WEATHER, CLOCK), True, ["weather", "clock"]),
        ((WEATHER,), True, ["weather", "weather"]),
        ((WEATHER, CLOCK), False, ["weather"]),
    ],
)
def test_parallel_calls_come_when_asked_for_and_allowed(tools, allowed, names):
    reply = speak(replace(QUESTION, tools=tools, parallel=allowed, text="in Parallel please"))
    assert [call.name for call in reply.calls] == names
    assert len({call.id for call in reply.calls}) == len(names)


def test_after_tool_results_comes_text_unless_a_call_is_forced():
    answered = replace(QUESTION, tools=(WEATHER,), tool_results=2)
    assert speak(answered).calls == ()
    assert speak(replace(answered, forced=True)).calls


@pytest.mark.parametrize(("steps", "names"), [(0, ["weather"]), (1, ["clock"]), (2, [])])
def test_step_by_step_each_tool_is_called_in_its_turn(steps, names):
    asked = replace(QUESTION, tools=(WEATHER, CLOCK), steps=steps, tool_results=min(steps, 1), text="Step by step")
    assert [call.name for call in speak(asked).calls] == names


def test_a_custom_tool_gets_free_text():
    assert speak(replace(QUESTION, tools=(Tool("shell", {}, custom=True),))).calls[0].arguments == "demo input"


def test_a_schema_is_answered_by_its_instance_without_a_note():
    assert speak(replace(QUESTION, schema=WEATHER.schema), "note ").text == '{"city":"demo"}'
    assert speak(replace(QUESTION, schema={})).text == "{}"


def test_reasoning_counts_whether_shown_or_not():
    hidden, shown = (speak(replace(QUESTION, reasoning=how)) for how in ("hidden", "shown"))
    assert (hidden.show_reasoning, shown.show_reasoning) == (False, True)
    assert hidden.reasoning_tokens == shown.reasoning_tokens > 0
    assert hidden.completion_tokens == speak(QUESTION).completion_tokens + hidden.reasoning_tokens


def test_a_script_can_show_reasoning_nobody_asked_for():
    assert speak(QUESTION, style=Style(reasoning=True)).show_reasoning


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.integers(1, 40), st.one_of(st.none(), st.integers(1, 30)))
def test_the_deltas_always_make_the_text_and_respect_the_bound(text, max_tokens, deltas):
    reply = speak(replace(QUESTION, text=text, max_tokens=max_tokens), style=Style(deltas=deltas))
    assert "".join(reply.deltas) == reply.text
    assert all(reply.deltas)
    assert tokens(len(reply.text.encode())) <= max_tokens
    assert reply.finish in ("stop", "length")


@given(st.integers(1, 80))
def test_as_many_deltas_as_asked_for(count):
    assert len(speak(QUESTION, style=Style(deltas=count)).deltas) == count
