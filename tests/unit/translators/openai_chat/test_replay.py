"""Relayed requests that get back what their client dropped, or lose what their target refused."""

import pytest

from translators.ir import Opaque, Reasoning
from translators.openai_chat import relay_request, replayed, unbound
from translators.openai_chat.replay import UNSIGNED
from translators.profile import Profile
from translators.remember import Called, Said, Turn
from translators.report import Report

DEEP = Profile(provider="deep", model="d", reasoning_replay=True)
ROUTER = Profile(provider="router", model="r")
GOOGLE = Profile(vendor="gemini", provider="google", model="g")
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USER = {"role": "user", "content": "?"}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "r"}


def body(**fields):
    said = {"role": "assistant", "content": None, "tool_calls": [CALL], **fields}
    return {"model": "m", "messages": [USER, {"role": "assistant", "content": "Hi"}, USER, said, RESULT]}


def turn(profile, *steps):
    return Turn(profile.origin("openai-chat"), (*steps, Called()))


def said(out):
    return out["messages"][3]


THOUGHT = turn(DEEP, Reasoning("Hm. "), Reasoning("Yes."))


def test_dropped_reasoning_text_comes_back_to_the_model_that_wants_it():
    asked = body()
    out = replayed(asked, [THOUGHT], DEEP, Report())
    assert said(out)["reasoning_content"] == "Hm. Yes."
    assert "reasoning_details" not in said(out)
    assert said(relay_request(out, DEEP, None)[0])["reasoning_content"] == "Hm. Yes."
    assert asked == body()


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_what_the_client_kept_stays_its_own(name):
    asked = body(**{name: "mine"})
    assert replayed(asked, [THOUGHT], DEEP, Report()) is asked


@pytest.mark.parametrize(
    ("turns", "profile"),
    [
        ([None], DEEP),
        ([THOUGHT, None], DEEP),
        ([THOUGHT], Profile(provider="shoal", model="d", reasoning_replay=True)),
        ([turn(ROUTER, Reasoning("Hm."))], ROUTER),
    ],
    ids=["nothing kept", "another number of turns", "another provider", "not wanted"],
)
def test_nothing_comes_back(turns, profile):
    asked = body()
    assert replayed(asked, turns, profile, Report()) is asked


def test_a_blob_of_another_is_taken_out_by_the_relay_which_tells_it():
    blob = Opaque("signature", "s", ROUTER.origin("openai-chat"))
    shown = {"type": "reasoning.text", "text": "Hm.", "signature": "s", "origin": blob.origin}
    report = Report()
    left = replayed(body(reasoning_details=[shown]), [turn(ROUTER, Reasoning("Hm.", blob))], DEEP, report)
    out, relayed = relay_request(left, DEEP, None)
    assert "reasoning_details" not in said(out)
    assert [entry.field for entry in [*report.entries, *relayed.entries]] == ["messages[3].reasoning_details"]


def test_blobs_come_back_as_details():
    blob = Opaque("signature", "s", ROUTER.origin("openai-chat"))
    out = replayed(body(), [turn(ROUTER, Reasoning("Hm.", blob))], ROUTER, Report())
    out, report = relay_request(out, ROUTER, None)
    assert said(out)["reasoning_details"] == [{"type": "reasoning.text", "signature": "s", "index": 0, "text": "Hm."}]
    assert report.entries == []


def test_signatures_come_back_to_calls_and_text():
    origin = GOOGLE.origin("openai-chat")
    kept = Turn(origin, (Said(1, Opaque("signature", "t", origin)), Called(Opaque("signature", "s", origin)), Called()))
    asked = body(content="a", tool_calls=[CALL, {**CALL, "id": "d"}])
    out, report = relay_request(replayed(asked, [kept], GOOGLE, Report()), GOOGLE, None)
    assert said(out)["extra_content"] == {"google": {"thought_signature": "t"}}
    assert [call.get("extra_content") for call in said(out)["tool_calls"]] == [
        {"google": {"thought_signature": "s"}},
        None,
    ]
    assert report.entries == []


def test_a_refused_body_loses_everything_bound_and_nothing_else():
    details, extra = [{"type": "reasoning.text", "signature": "s"}], {"google": {"thought_signature": "t"}}
    refused = body(
        reasoning_content="Hm.",
        reasoning_details=details,
        extra_content=extra,
        tool_calls=[{**CALL, "extra_content": extra}],
    )
    assert said(unbound(refused, DEEP)) == {**said(body()), "reasoning_content": "Hm."}
    assert unbound(body(), DEEP) is None
    uncalled = {"messages": [{"role": "assistant", "content": "a", "extra_content": extra}]}
    assert unbound(uncalled, DEEP) == {"messages": [{"role": "assistant", "content": "a"}]}


def test_google_is_told_of_calls_that_it_did_not_sign():
    out = unbound(body(tool_calls=[CALL, CALL]), GOOGLE)
    first, second = said(out)["tool_calls"]
    assert first["extra_content"] == {"google": {"thought_signature": UNSIGNED}}
    assert second == CALL
