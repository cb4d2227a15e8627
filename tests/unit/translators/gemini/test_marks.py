"""Signatures in relayed requests."""

import copy

import pytest

from translators import gemini
from translators.gemini.wire import ORIGIN, SKIP_SIGNATURE
from translators.remember import Called, Turn
from translators.report import Report


def call(name="f", signature=None, origin=None):
    part = {"functionCall": {"name": name}}
    if signature:
        part["thoughtSignature"] = signature
    return {**part, "partMetadata": {ORIGIN: origin}} if origin else part


def body_of(*parts):
    return {"contents": [{"role": "user", "parts": [{"text": "?"}]}, {"role": "model", "parts": list(parts)}]}


def parts_of(body):
    return body["contents"][1]["parts"]


@pytest.mark.parametrize("origin", [None, "own", "gemini|other|m|"])
def test_a_marked_signature_goes_to_its_maker_only(target, own, origin):
    body = body_of(call("f", "s", own.origin if origin == "own" else origin), {"text": "a"}, call("g"))
    before = copy.deepcopy(body)
    out, report = gemini.relay_request(body, target(), None)
    assert body == before
    foreign = origin == "gemini|other|m|"
    assert parts_of(out) == [call("f", SKIP_SIGNATURE if foreign else "s"), {"text": "a"}, call("g")]
    assert [entry.field for entry in report.entries] == (["contents.thoughtSignature"] if foreign else [])


def test_a_foreign_signature_just_goes_where_none_is_demanded(target):
    out, _ = gemini.relay_request(body_of(call("f", "s", "gemini|o|m|")), target(call_signatures=False), None)
    assert parts_of(out) == [call("f")]


def test_what_the_client_dropped_is_put_back(target, own):
    turn = Turn(own.origin, (Called(own), Called(None)))
    body = body_of({"text": "a"}, call("f"), call("g"))
    assert parts_of(gemini.replayed(body, [turn], target(), Report())) == [
        {"text": "a"},
        call("f", own.data),
        call("g"),
    ]
    kept = body_of(call("f", "mine"), call("g"))
    assert gemini.replayed(kept, [turn], target(), Report()) is kept


def test_what_another_is_known_to_have_made_is_taken_out_and_told_once(target, foreign):
    turn = Turn("gemini|other|m|", (Called(foreign),))
    report = Report()
    twice = body_of(call("f", "s"), call("g"), call("h", "s"))
    twice["contents"] += body_of(call("f", "s"))["contents"]
    out = gemini.replayed(twice, [turn, turn], target(), report)
    assert parts_of(out) == [call("f", SKIP_SIGNATURE), call("g"), call("h")]
    assert [entry.field for entry in report.entries] == ["contents.thoughtSignature"]


def test_what_another_made_without_a_signature_loses_nothing_that_could_be_told(target, foreign):
    report = Report()
    gemini.replayed(body_of(call("f")), [Turn("gemini|other|m|", (Called(foreign),))], target(), report)
    assert not report.entries


@pytest.mark.parametrize("turns", [[], [None], [None, None]])
def test_turns_that_are_not_known_or_do_not_fit_change_nothing(target, turns):
    body = body_of(call("f", "s"))
    assert gemini.replayed(body, turns, target(), Report()) is body


def test_a_request_can_be_rid_of_all_signatures(target):
    body = body_of({"text": "a", "thoughtSignature": "t"}, call("f", "s"))
    assert parts_of(gemini.unbound(body, target())) == [{"text": "a"}, call("f", SKIP_SIGNATURE)]
    assert gemini.unbound(body_of({"text": "a"}), target()) is None


@pytest.mark.parametrize(
    "body", [{}, {"contents": 3}, {"contents": [3, {"role": "model", "parts": [3]}, {"role": "model"}]}]
)
def test_odd_bodies_do_no_harm(target, body):
    assert gemini.unbound(body, target()) is None
    assert gemini.replayed(body, [], target(), Report()) is body


def test_snake_case_is_understood(target):
    part = {"function_call": {"name": "f"}, "thought_signature": "s"}
    assert parts_of(gemini.unbound(body_of(part), target())) == [call("f", SKIP_SIGNATURE)]
