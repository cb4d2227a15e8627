"""Thinking of other dialects in an Anthropic client's history, and whose thinking a relayed request brings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.anthropic_messages import parse_request, relay_request, replayed, unbound
from translators.anthropic_messages.marks import PLAIN, earlier_thinking, marked, thinking_block, unmarked
from translators.ir import Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from translators.profile import Profile
from translators.remember import Called, Turn
from translators.report import Report

FOREIGN = "gemini|lyra|g-3|"
NATIVE = "anthropic-messages|anthropic|claude|"
HERE = Profile(provider="anthropic", model="claude")
USER = {"role": "user", "content": "?"}
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
OWN = {"type": "thinking", "thinking": "Hm.", "signature": "native"}
THEIRS = {"type": "thinking", "thinking": "Hm.", "signature": marked(Opaque("signature", "s", FOREIGN))}


def body(*blocks, **fields):
    return {"model": "m", "max_tokens": 9, "messages": [USER, {"role": "assistant", "content": list(blocks)}], **fields}


def content(out):
    return [message["content"] for message in out["messages"] if message["role"] == "assistant"]


@given(
    st.text(max_size=9),
    st.none()
    | st.builds(
        Opaque,
        st.sampled_from(["signature", "redacted", "encrypted"]),
        st.text(min_size=1, max_size=30),
        st.sampled_from([FOREIGN, "", "openai-chat|a.b|m|", "openai-chat|é|m|"]),
    ),
)
def test_whatever_was_thought_elsewhere_comes_back_from_a_client_as_it_was(text, opaque):
    block = thinking_block(Reasoning(text, opaque))
    if block is None:
        assert (text, opaque) == ("", None)
        return
    blob = block.get("signature") or block.get("data")
    assert blob.startswith("sidestep.")
    assert earlier_thinking(block.get("thinking", ""), blob, block["type"]) == Reasoning(text, opaque)


@pytest.mark.parametrize(
    "mark", [PLAIN, "sidestep.", "sidestep.signature.a", "sidestep.signature.é.x", "sidestep.odd..x"]
)
def test_a_mark_that_says_nothing_is_no_blob(mark):
    assert unmarked(mark) is None


@pytest.mark.parametrize("blob", [None, "", 3])
def test_thinking_without_a_signature_has_no_blob(blob):
    assert earlier_thinking("Hm.", blob, "thinking") == Reasoning("Hm.")


def test_signatures_on_calls_and_texts_stay_here_and_that_is_told(render, user):
    blob = Opaque("signature", "s", FOREIGN)
    said = Message("assistant", (Text("a", opaque=blob),))
    sent, told = render(user(), said, ToolCall("t", "f", "{}", opaque=blob), ToolResult("t", (Text("r"),)))
    assert "sidestep" not in str(sent)
    assert told == {"items[1].opaque": "dropped"}


def test_a_signature_of_this_dialect_is_not_marked():
    blob = Opaque("signature", "native", NATIVE)
    assert thinking_block(Reasoning("Hm.", blob)) == OWN
    assert thinking_block(Reasoning("", Opaque("redacted", "d", NATIVE))) == {"type": "redacted_thinking", "data": "d"}


def test_a_request_is_read_with_the_origins_that_marks_tell():
    redacted = {"type": "redacted_thinking", "data": marked(Opaque("encrypted", "e", FOREIGN))}
    request = parse_request(body(THEIRS, OWN, redacted, CALL))
    assert request.items[1:4] == (
        Reasoning("Hm.", Opaque("signature", "s", FOREIGN)),
        Reasoning("Hm.", Opaque("signature", "native", "")),
        Reasoning("", Opaque("encrypted", "e", FOREIGN)),
    )


def test_no_provider_of_this_dialect_is_sent_a_mark():
    asked = body(THEIRS, OWN, CALL)
    assert content(relay_request(asked, HERE, None)[0]) == [[OWN, CALL]]
    assert content(asked) == [[THEIRS, OWN, CALL]]


def test_a_message_that_held_nothing_else_goes_whole():
    assert relay_request(body(THEIRS), HERE, None)[0]["messages"] == [USER]


def test_a_history_without_marks_passes_as_it_came():
    asked = body(OWN, CALL)
    assert relay_request(asked, HERE, None)[0]["messages"] is asked["messages"]


def turn(profile):
    return Turn(profile.origin("anthropic-messages"), (Reasoning("Hm."), Called()))


@pytest.mark.parametrize(
    ("turns", "left", "told"),
    [
        ([turn(HERE)], [OWN, OWN, CALL], []),
        ([turn(Profile(provider="other", model="claude"))], [CALL], ["messages.1.content.0"]),
        ([None], [OWN, OWN, CALL], []),
        ([turn(Profile(provider="other", model="claude"))] * 2, [OWN, OWN, CALL], []),
    ],
    ids=["its own", "another's", "unknown", "another number of turns"],
)
def test_thinking_known_to_be_anothers_is_taken_out_and_told_once(turns, left, told):
    asked = body(OWN, OWN, CALL)
    report = Report()
    assert content(replayed(asked, turns, HERE, report)) == [left]
    assert [entry.field for entry in report.entries] == told
    assert content(asked) == [[OWN, OWN, CALL]]


def test_a_refused_body_loses_its_thinking_and_a_budget_that_would_ask_for_it():
    asked = body(
        OWN, {"type": "redacted_thinking", "data": "d"}, CALL, thinking={"type": "enabled", "budget_tokens": 9}
    )
    out = unbound(asked, HERE)
    assert content(out) == [[CALL]]
    assert "thinking" not in out
    adaptive = body(OWN, CALL, thinking={"type": "adaptive"})
    assert unbound(adaptive, HERE)["thinking"] == {"type": "adaptive"}


def test_a_body_without_thinking_has_nothing_to_lose():
    assert unbound(body(CALL), HERE) is None


def test_the_thinking_that_a_relayed_request_loses_is_told_once():
    _, report = relay_request(body(OWN, THEIRS, THEIRS, CALL), HERE, None)
    assert [entry.field for entry in report.entries] == ["messages.1.content.1"]
    assert relay_request(body(OWN, CALL), HERE, None)[1].entries == []
