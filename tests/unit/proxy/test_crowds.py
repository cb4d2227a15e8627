"""How much a request may hold, whatever its bytes."""

import orjson
import pytest

from proxy.crowds import (
    CALLS_CAP,
    ESCAPES_CAP,
    LARGE,
    PARTS_CAP,
    STRUCTURES_CAP,
    TOOLS_CAP,
    VALUES_CAP,
    check_lists,
    check_text,
)
from translators.faults import Malformed

PART = {"type": "text", "text": "a"}
TURN = {"role": "user", "content": "a"}
PAD = "a" * LARGE


def text(**fields) -> bytes:
    return orjson.dumps({"pad": PAD, **fields})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (text(x=[[]] * STRUCTURES_CAP), "arrays, objects and names"),
        (text(x={str(i): 1 for i in range(STRUCTURES_CAP)}), "arrays, objects and names"),
        (text(x=[1] * (VALUES_CAP + 1)), f"{VALUES_CAP} values"),
        (text(x=[""] * (VALUES_CAP + 1)), f"{VALUES_CAP} values"),
        (text(x=["\\", '"'] * (VALUES_CAP // 2 + 1)), f"{VALUES_CAP} values"),
        (text(x='"' * ESCAPES_CAP + ":" * STRUCTURES_CAP + '"'), f"{ESCAPES_CAP} escaped characters"),
    ],
)
def test_more_than_time_allows_is_refused_before_it_is_parsed(body, told):
    with pytest.raises(Malformed, match=told) as refused:
        check_text(body)
    assert (refused.value.status, refused.value.code) == (413, "body_too_large")


@pytest.mark.parametrize(
    "body",
    [
        text(x=[[]] * (STRUCTURES_CAP - 10)),
        text(x=[1] * (VALUES_CAP - 10)),
        text(x="1,2:{[" * VALUES_CAP),
        text(x='{"a": [1, "b\\\\"]}, ' * VALUES_CAP),
        text(x=["\\", '"', "{[,:" * STRUCTURES_CAP]),
    ],
    ids=["structures", "values", "plain", "quoted", "mixed"],
)
def test_what_stands_in_strings_is_no_structure_however_much(body):
    check_text(body)


def test_a_body_of_little_text_is_not_looked_at():
    check_text(b"[" * LARGE)


@pytest.mark.parametrize(
    ("payload", "field", "limit"),
    [
        ({"tools": [{}] * (TOOLS_CAP + 1)}, "tools", TOOLS_CAP),
        ({"functions": [{}] * (TOOLS_CAP + 1)}, "functions", TOOLS_CAP),
        ({"messages": [{"role": "user", "content": [PART] * PARTS_CAP}]}, "messages", PARTS_CAP),
        ({"messages": [TURN] * (PARTS_CAP + 1)}, "messages", PARTS_CAP),
        ({"messages": [{"content": [{"content": [PART] * PARTS_CAP}]}]}, "messages", PARTS_CAP),
        ({"messages": [{"content": [PART] * 100}] * 200}, "messages", PARTS_CAP),
        ({"messages": [{"tool_calls": [{}] * 100}] * 41}, "messages", CALLS_CAP),
        ({"input": [{"output": [PART] * PARTS_CAP}]}, "input", PARTS_CAP),
        ({"input": [{"summary": [PART] * PARTS_CAP}]}, "input", PARTS_CAP),
        ({"system": [PART] * (PARTS_CAP + 1)}, "system", PARTS_CAP),
    ],
)
def test_more_items_than_time_allows_are_refused_by_their_field(payload, field, limit):
    with pytest.raises(Malformed, match=f"{field} holds more than {limit} ") as refused:
        check_lists(payload)
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, field, "array_above_max_length")


@pytest.mark.parametrize(
    "payload",
    [
        [],
        {"tools": [{}] * TOOLS_CAP, "messages": [{"content": [PART] * (PARTS_CAP - 1)}]},
        {"messages": [{"tool_calls": [{}] * CALLS_CAP}]},
        {"input": [1] * (PARTS_CAP + 1)},
        {"tools": {}, "messages": [1, {"content": 1}, {"content": [1]}], "system": "x"},
    ],
)
def test_as_many_as_allowed_pass_and_what_is_of_another_form_is_not_judged_here(payload):
    check_lists(payload)
