"""Whether a body is worth reading, at a glance."""

import orjson
import pytest

from translators.glance import may_bind, shows_origin

ANSWERED = {"role": "tool", "tool_call_id": "c", "content": ""}
MARKED = {"role": "assistant", "tool_calls": [{"id": "c", "extra_content": {}}]}


@pytest.mark.parametrize(
    ("turns", "seen"),
    [
        ([MARKED, ANSWERED], True),
        ([{"role": "assistant", "reasoning_details": []}, ANSWERED], True),
        ([{"role": "assistant", "content": [{"type": "thinking"}]}, {"content": [{"type": "tool_result"}]}], True),
        ([{"type": "reasoning"}, {"type": "function_call_output"}], True),
        ([MARKED, {"role": "user", "content": "x"}], False),
        ([{"role": "assistant", "tool_calls": [{"id": "c"}]}, ANSWERED], False),
        ([], False),
        ("text", False),
        ([3], False),
    ],
)
def test_a_glance_tells_whether_a_request_may_name_its_origin(turns, seen):
    assert shows_origin({"messages": turns}) is seen
    assert shows_origin({"input": turns}) is seen


@pytest.mark.parametrize(
    ("message", "bound"),
    [
        ({"reasoning_content": "Hm."}, True),
        ({"reasoning_content": None}, False),
        ({"reasoning_details": [{}]}, True),
        ({"reasoning": "Hm."}, True),
        ({"content": [{"type": "thinking", "signature": "s"}]}, True),
        ({"extra_content": {"google": {"thought_signature": "s"}}}, True),
        ({"usage": {"completion_tokens_details": {"reasoning_tokens": 7}}}, False),
        ({"content": "plain"}, False),
        ({"output": [{"type": "reasoning", "encrypted_content": "x"}]}, True),
    ],
)
def test_an_answer_is_read_for_its_blobs_only_where_it_may_have_some(message, bound):
    assert may_bind(orjson.dumps(message)) is bound
