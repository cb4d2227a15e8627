"""Names, counts and marks."""

import msgspec
import pytest

from translators.gemini.wire import (
    WireUsage,
    as_args,
    camel,
    compact,
    finish_reason,
    free_text,
    is_own_id,
    mark_of,
    marked,
    signed,
    unmarked,
    wire_usage,
)
from translators.ir import Opaque, Usage


def usage(**fields):
    return msgspec.convert(fields, WireUsage).neutral()


def test_input_holds_what_tools_brought_and_output_what_was_thought():
    got = usage(
        promptTokenCount=10,
        toolUsePromptTokenCount=5,
        cachedContentTokenCount=4,
        candidatesTokenCount=7,
        thoughtsTokenCount=20,
        totalTokenCount=42,
    )
    assert got == Usage(15, 27, cached=4, reasoning=20)
    assert got.total == 42


def test_an_event_that_counts_nothing_yet_has_no_usage():
    assert usage(trafficType="ON_DEMAND") is None
    assert usage(promptTokenCount=3) == Usage(3, 0)


def test_counts_come_back_as_they_were_written():
    counts = Usage(10, 9, cached=4, reasoning=2)
    assert msgspec.convert(wire_usage(counts), WireUsage).neutral() == counts
    assert wire_usage(counts)["candidatesTokenCount"] == 7


@pytest.mark.parametrize(
    ("said", "name"),
    [("STOP", "STOP"), (1, "STOP"), (2, "MAX_TOKENS"), (99, ""), (None, ""), ("FINISH_REASON_UNSPECIFIED", "")],
)
def test_a_finish_reason_may_be_a_number(said, name):
    assert finish_reason(said) == name


def test_snake_case_is_camel_case():
    assert camel({"function_call": 1, "text": 2}) == {"functionCall": 1, "text": 2}
    plain = {"text": 1}
    assert camel(plain) is plain


@pytest.mark.parametrize(
    ("text", "args", "problem"),
    [
        ('{"a":1}', {"a": 1}, None),
        (" ", {}, None),
        ("[1]", {"value": [1]}, "not an object"),
        ("{", {"_raw": "{"}, "not JSON"),
        ("[" * 300 + "]" * 300, {"_raw": "[" * 300 + "]" * 300}, "nested too deeply"),
    ],
)
def test_arguments_become_an_object(text, args, problem):
    assert as_args(text) == (args, problem)


def test_arguments_keep_their_numbers_when_their_space_goes():
    assert compact(b'{ "a": 1.0,\n "b": 12345678901234567890123 }') == '{"a":1.0,"b":12345678901234567890123}'
    assert (free_text('{"input":"x"}'), free_text('{"other":1}')) == ("x", '{"other":1}')


def test_only_geminis_own_ids_look_like_it():
    assert is_own_id("gjl2yj5t")
    assert not any(map(is_own_id, ("call_1", "toolu_01Abc", "gcall_Ab1_0_0", "abcdefghi", "")))


def test_a_mark_names_the_maker_and_comes_off_again():
    part = signed({"text": ""}, Opaque("signature", "c2ln", "gemini|p|m|"))
    assert mark_of(part) == "gemini|p|m|"
    assert unmarked(part) == {"text": "", "thoughtSignature": "c2ln"}
    assert signed({"text": ""}, Opaque("signature", "x", "anthropic-messages|p|m|")) == {"text": ""}
    noted = marked({"thoughtSignature": "s", "partMetadata": {"mine": 1}}, "gemini|p|m|")
    assert unmarked(noted) == {"thoughtSignature": "s", "partMetadata": {"mine": 1}}
    assert (mark_of({"partMetadata": 3}), unmarked({"text": "a"})) == ("", {"text": "a"})
