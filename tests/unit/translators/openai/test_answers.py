"""Usage, finish reasons and the tolerant second look."""

import msgspec
import pytest

from translators.faults import ProtocolFault
from translators.ir import Finish, Usage
from translators.openai.answers import WireUsage, decode, guessed, read_finish, read_usage, render_usage
from translators.openai_chat.wire import ANSWER
from translators.profile import Profile


def usage(profile=None, **fields):
    return read_usage(msgspec.convert(fields, WireUsage), profile or Profile())


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 4}, Usage(9, 4)),
        ({}, None),
        ({"prompt_tokens_details": {"cached_tokens": 2}}, None),
        ({"prompt_tokens": None, "completion_tokens": 3.0}, Usage(0, 3)),
        ({"prompt_tokens": -5, "completion_tokens": 1e300}, Usage(0, 0)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
            Usage(9, 4, 2, 1, 0),
        ),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 3}, Usage(9, 0, 3)),
        ({"prompt_tokens": 9, "num_cached_tokens": 3}, Usage(9, 0, 3)),
        ({"completion_tokens": 9, "reasoning_tokens": 3}, Usage(0, 9, reasoning=3)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20}}, Usage(29, 0, 20)),
    ],
)
def test_counts_mean_the_same_whoever_counted(fields, read):
    assert usage(**fields) == read


def test_reasoning_is_added_where_a_vendor_leaves_it_out():
    fields = {"completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 30}}
    assert usage(Profile(output_excludes_reasoning=True), **fields) == Usage(0, 32, reasoning=30)
    assert usage(**fields) == Usage(0, 2, reasoning=30)


@pytest.mark.parametrize("one", [Usage(9, 4), Usage(9, 4, 2, 1, 3), Usage(0, 0, 0, 0, 0)])
def test_what_is_written_reads_the_same(one):
    rendered = render_usage(one)
    assert read_usage(msgspec.convert(rendered, WireUsage), Profile()) == one
    assert rendered["total_tokens"] == one.total


def test_what_is_not_known_is_not_written_as_zero():
    assert set(render_usage(Usage(1, 1))) == {"prompt_tokens", "completion_tokens", "total_tokens"}


@pytest.mark.parametrize(
    ("reason", "called", "finish"),
    [
        ("stop", False, Finish.STOP),
        ("stop", True, Finish.TOOL_CALLS),
        ("tool_calls", True, Finish.TOOL_CALLS),
        ("tool_calls", False, Finish.STOP),
        ("function_call", True, Finish.TOOL_CALLS),
        ("eos", False, Finish.STOP),
        ("length", True, Finish.LENGTH),
        ("model_length", False, Finish.LENGTH),
        ("content_filter", True, Finish.CONTENT_FILTER),
        ("brand_new", False, Finish.STOP),
        ("brand_new", True, Finish.TOOL_CALLS),
    ],
)
def test_the_calls_decide_what_a_finish_reason_means(reason, called, finish):
    assert read_finish(reason, called=called) is finish


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}',
        b'{"choices":[{"delta":{"content":"\\uDE00\\ud83d"}}]}',
        b'{"choices":[{"delta":{"content":"\\\\\\ud83d"}}]}',
        b'{"skipped":{"\\udfff":1}}',
        b'{"id":NaN,"skipped":"\\ud83d"}',
    ],
)
def test_half_a_surrogate_pair_is_no_answer_wherever_it_stands(data):
    with pytest.raises(ProtocolFault, match="half a character"):
        decode(data, ANSWER, "it")


@pytest.mark.parametrize(
    ("written", "read"),
    [(b"\\ud83d\\ude00", "😀"), (b"\\\\ud83d", "\\ud83d"), (b"\\ud55c", "한"), (b"\\u00e9", "é")],
)
def test_whole_characters_pass_however_they_are_escaped(written, read):
    answer = decode(b'{"choices":[{"delta":{"content":"' + written + b'"}}]}', ANSWER, "it")
    assert answer.choices[0].delta.content == read


def test_what_strict_parsers_refuse_gets_a_second_look():
    assert decode(b'{"id":"a","choices":[{"logprobs":NaN}]}', ANSWER, "it").id == "a"


def test_a_finish_reason_that_is_not_known_is_told():
    assert guessed("eos") is None
    lost = guessed("zzz" * 50)
    assert (lost.field, lost.guessed, len(lost.why) < 100) == ("answer.finish_reason", True, True)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html>", "no valid JSON"),
        (b"", "no valid JSON"),
        (b'{"choices":[', "no valid JSON"),
        (b'{"id":"\xff"}', "not valid UTF-8"),
        (b'{"skipped":"\xff"}', "not valid UTF-8"),
        (b"[]", "wrong type"),
        (b"3", "wrong type"),
        (b'{"choices":3}', "wrong type"),
        (b'{"choices":[{"finish_reason":3,"delta":{"content":"\\ud83d"}}]}', "it"),
        (b'{"x":' + b"[" * 100_000, "it"),
    ],
)
def test_what_cannot_be_read_is_one_protocol_fault(data, says):
    with pytest.raises(ProtocolFault, match=says):
        decode(data, ANSWER, "it")
