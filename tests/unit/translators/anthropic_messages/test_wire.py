"""The small conversions that both directions share."""

import pytest

from translators.anthropic_messages.wire import (
    OutputDetails,
    WireUsage,
    as_input,
    finish_of,
    free_text,
    stop_reason_of,
    wire_usage,
)
from translators.ir import Finish, Usage
from translators.profile import Profile


def test_cached_and_written_input_counts_as_input():
    usage = WireUsage(10, 3, 4, 20, OutputDetails(5)).neutral()
    assert usage == Usage(input=17, output=20, cached=4, cache_write=3, reasoning=5)


def test_what_was_not_said_is_not_zero():
    assert WireUsage(10, output_tokens=0).neutral() == Usage(input=10, output=0)
    assert WireUsage(10, 0, 0, 1, OutputDetails(0)).neutral() == Usage(10, 1, 0, 0, 0)
    assert WireUsage().neutral() is None


def test_the_last_count_said_wins_even_when_it_is_zero():
    usage = WireUsage(10, 5, 5, 1)
    usage.update(WireUsage(None, None, 0, 30))
    assert usage == WireUsage(10, 5, 0, 30)


def test_usage_survives_the_way_out_and_back():
    usage = Usage(input=17, output=20, cached=4, cache_write=3, reasoning=5)
    said = wire_usage(usage)
    assert said["input_tokens"] == 10
    assert said["output_tokens_details"] == {"thinking_tokens": 5}
    assert wire_usage(None) == {"input_tokens": 0, "output_tokens": 0}


def test_input_never_goes_below_zero():
    assert wire_usage(Usage(input=3, output=1, cached=9))["input_tokens"] == 0


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("pause_turn", Finish.STOP),
        ("tool_use", Finish.TOOL_CALLS),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("refusal", Finish.CONTENT_FILTER),
        ("something_new", Finish.STOP),
    ],
)
def test_every_stop_reason_is_a_finish(reason, finish):
    assert finish_of(reason, Profile()) is finish


def test_every_finish_is_a_stop_reason():
    assert {stop_reason_of(finish, None, refused=False) for finish in Finish} == {
        "end_turn",
        "max_tokens",
        "tool_use",
        "refusal",
    }
    assert stop_reason_of(Finish.STOP, "END", refused=False) == "stop_sequence"
    assert stop_reason_of(Finish.STOP, None, refused=True) == "refusal"
    assert stop_reason_of(Finish.LENGTH, None, refused=True) == "max_tokens"


@pytest.mark.parametrize(
    ("text", "value", "wrong"),
    [
        ("", {}, None),
        (" ", {}, None),
        ('{"a":1}', {"a": 1}, None),
        ('{"a":', {"_raw": '{"a":'}, "not JSON"),
        ("3", {"value": 3}, "not an object"),
    ],
)
def test_arguments_become_an_object(text, value, wrong):
    assert as_input(text) == (value, wrong)


@pytest.mark.parametrize(("depth", "deep"), [(240, False), (260, True)])
def test_arguments_too_deep_to_be_written_again_are_kept_as_text(depth, deep):
    text = '{"a":' * depth + "1" + "}" * depth
    value, wrong = as_input(text)
    assert (wrong == "nested too deeply") is deep
    assert (value == {"_raw": text}) is deep


@pytest.mark.parametrize(("arguments", "text"), [('{"input":"x = 1"}', "x = 1"), ('{"a":1}', '{"a":1}'), ("x", "x")])
def test_free_text_is_unwrapped_only_from_its_own_wrapping(arguments, text):
    assert free_text(arguments) == text


@pytest.mark.parametrize(
    ("tier", "told"), [("default", "standard"), ("priority", "priority"), ("flex", None), (None, None)]
)
def test_the_tier_that_served_is_told_where_it_has_a_word(tier, told):
    assert wire_usage(Usage(1, 1), tier).get("service_tier") == told
    assert wire_usage(None, tier).get("service_tier") == told
