"""Relayed requests that get back what their clients dropped."""

from msgspec import structs

from translators.ir import Opaque, Reasoning
from translators.openai_responses import parse_request, replayed, unbound
from translators.openai_responses.marks import marked
from translators.remember import Called, Said, Turn, remembered, spans
from translators.report import Report

CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "42"}
SAID = {"role": "assistant", "content": "let me see"}
ASKED = {"role": "user", "content": "hi"}
OTHER = "openai-responses|other|m|"


def thought(blob, text=""):
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"type": "reasoning", "summary": summary, "encrypted_content": blob}


def body(*items):
    return {"model": "m", "input": list(items)}


def turn(origin, *steps):
    return Turn(origin, steps)


def test_reasoning_comes_back_before_what_it_led_to(profile, origin):
    first, second = (Reasoning(text, Opaque("encrypted", blob, origin)) for text, blob in (("t", "g1"), ("", "g2")))
    again = {**CALL, "call_id": "c2"}
    steps = (first, Said(10), Called(), second, Called())
    report = Report()
    out = replayed(body(ASKED, SAID, CALL, again, RESULT), [turn(origin, *steps)], profile, report)
    assert not report.entries
    assert out["input"] == [ASKED, thought("g1", "t"), SAID, CALL, thought("g2"), again, RESULT]


def test_reasoning_that_the_client_kept_stays_its_own(profile, origin):
    kept = turn(origin, Reasoning("", Opaque("encrypted", "g1", origin)), Called())
    asked = body(thought("mine"), CALL, RESULT)
    assert replayed(asked, [kept], profile, Report()) is asked


def test_reasoning_known_to_be_anothers_is_left_out_and_told_once_unless_it_is_marked(profile):
    """What is marked is seen to when the request is relayed."""
    report = Report()
    named = thought(marked(Opaque("encrypted", "x", OTHER)))
    asked = body(ASKED, named, thought("theirs"), thought("too"), CALL, RESULT)
    out = replayed(asked, [turn(OTHER, Called())], profile, report)
    assert out["input"] == [ASKED, named, CALL, RESULT]
    assert [entry.field for entry in report.entries] == ["input[2]"]


def test_turns_that_cannot_be_told_apart_change_nothing(profile, origin):
    asked = body(CALL, RESULT)
    assert replayed(asked, [], profile, Report()) is asked
    assert replayed({"input": "hi"}, [], profile, Report()) == {"input": "hi"}
    assert replayed(asked, [None], profile, Report()) is asked


def test_turns_are_counted_as_they_are_found(profile, origin):
    """The runs of a body are the spans of its neutral form, whatever stands between."""
    search = {"type": "web_search_call", "id": "ws_1"}
    asked = body(ASKED, search, CALL, RESULT, SAID, ASKED, {**CALL, "call_id": "c2"}, {**RESULT, "call_id": "c2"}, SAID)
    items = parse_request(asked).items
    found = spans(items, b"k" * 16)
    assert len(found) == 2
    steps = [Reasoning("", Opaque("encrypted", "g", origin)), *items[found[1].start : found[1].end]]
    kept = remembered(steps, b"k" * 16, origin, plain=False)
    assert kept.key == found[1].key
    out = replayed(asked, [None, kept.turn], profile, Report())
    assert out["input"][5:8] == [ASKED, thought("g"), {**CALL, "call_id": "c2"}]


def test_a_request_without_reasoning_has_no_ids_that_tie_it(profile):
    out = unbound(body(ASKED, thought("g"), CALL, RESULT), profile)
    assert out["input"] == [ASKED, {key: value for key, value in CALL.items() if key != "id"}, RESULT]
    assert unbound(body(ASKED), profile) is None
    assert unbound({"input": "hi"}, structs.replace(profile)) is None
