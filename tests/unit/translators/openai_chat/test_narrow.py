"""Messages that pass as they came, to a server that knows fewer fields and roles than the one that wrote them."""

import pytest

from translators.ir import Message, Refusal, Request, Text
from translators.openai_chat import parse_request, relay_request, render_request
from translators.profile import Profile

KNOWN = frozenset(("role", "content", "tool_calls", "tool_call_id", "prefix"))
CLOSED = Profile(model="m", message_fields=KNOWN)
USER = {"role": "user", "content": "u"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def relayed(*messages, **profile):
    out, report = relay_request(
        {"model": "x", "messages": list(messages)}, Profile(model="m", **({"message_fields": KNOWN} | profile)), None
    )
    return out["messages"], [(entry.verdict.value, entry.field) for entry in report.entries]


def test_what_openais_sdk_sends_back_of_its_own_answer_goes_without_a_word_where_it_is_empty():
    """`messages.append(response.choices[0].message)`, with another vendor behind the same address next time."""
    said = {"role": "assistant", "content": None, "refusal": None, "annotations": [], "audio": None}
    said |= {"function_call": None, "tool_calls": [{**CALL, "name": None}]}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "r", "name": "f"}
    messages, told = relayed(USER, said, result)
    assert messages[1] == {"role": "assistant", "content": None, "tool_calls": [CALL]}
    assert messages[2] == {"role": "tool", "tool_call_id": "call_1", "content": "r"}
    assert told == []


def test_reasoning_of_another_vendor_stays_behind_and_is_told_once():
    """Groq and Mistral answer a 400 and a 422 to `reasoning_content`, which DeepSeek's clients send back."""
    turn = {"role": "assistant", "content": "a", "reasoning_content": "hm", "reasoning": "hm"}
    messages, told = relayed(USER, turn, USER, turn, USER)
    assert messages[1] == messages[3] == {"role": "assistant", "content": "a"}
    assert told == [("dropped", "messages[1].reasoning_content")]


def test_a_server_that_takes_any_field_gets_them_all():
    turn = {"role": "assistant", "content": "a", "reasoning_content": "hm", "novel": 1}
    messages, told = relayed(USER | {"name": "bob"}, turn, message_fields=frozenset())
    assert messages == [USER | {"name": "bob"}, turn]
    assert told == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("u", "bob: u"),
        ([{"type": "text", "text": "u"}], [{"type": "text", "text": "bob: "}, {"type": "text", "text": "u"}]),
        (None, "bob: "),
    ],
)
def test_a_name_that_has_no_field_is_said(content, expected):
    messages, told = relayed({"role": "user", "content": content, "name": "bob"})
    assert messages == [{"role": "user", "content": expected}]
    assert told == [("approximated", "messages[0].name")]


def test_a_refusal_is_text_and_what_nobody_knows_is_told():
    parts = [{"type": "refusal", "refusal": "no"}]
    messages, told = relayed(
        USER,
        {"role": "assistant", "content": None, "refusal": "no", "novel": 1},
        {"role": "assistant", "content": parts},
        {"role": "assistant", "audio": {"id": "audio_1"}},
        USER,
    )
    assert messages[1] == {"role": "assistant", "content": "no"}
    assert messages[2] == {"role": "assistant", "content": [{"type": "text", "text": "no"}]}
    assert messages[3] == {"role": "assistant", "content": ""}
    assert told == [
        ("approximated", "messages[1].refusal"),
        ("dropped", "messages[1].novel"),
        ("approximated", "messages[2].content[0]"),
        ("dropped", "messages[3].audio"),
    ]


def test_cache_markers_of_others_go_and_the_first_is_told():
    part = {"type": "text", "text": "t"}
    marked = part | {"cache_control": {"type": "ephemeral"}}
    broken = part | {"prompt_cache_breakpoint": {"mode": "explicit"}}
    messages, told = relayed(
        {"role": "user", "content": [part, marked, broken, "odd"]}, USER | {"cache_control": {"a": 1}}
    )
    assert messages == [{"role": "user", "content": [part, part, part, "odd"]}, USER]
    assert told == [("dropped", "messages[0].content[1].cache_control")]


def test_a_later_system_message_is_the_users_where_a_chat_template_takes_one_at_the_beginning_alone():
    """Ollama and vLLM raise an error for it."""
    late = {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    first = {"role": "system", "content": "s"}
    messages, told = relayed(first, first, USER, late, USER, message_fields=frozenset(), system_anywhere=False)
    assert messages == [first, first, USER, {"role": "user", "content": "<system>ab</system>"}, USER]
    assert told == [("approximated", "messages[3].role")]
    assert relayed(first, USER, late, message_fields=frozenset()) == ([first, USER, late], [])


def test_an_answer_begun_by_the_client_is_refused_where_the_last_word_must_be_the_users():
    """Mistral answers it with a 400, unless it is told that this is a `prefix`."""
    begun = {"role": "assistant", "content": "{"}
    messages, told = relayed(USER, begun, prefill=False)
    assert messages == [USER, begun, {"role": "user", "content": "Continue."}]
    assert told == [("refused", "messages[1]")]
    assert relayed(USER, begun | {"prefix": True}, prefill=False) == ([USER, begun | {"prefix": True}], [])
    assert relayed(USER, begun)[1] == []


def test_a_translated_request_is_held_to_the_same():
    items = (Message("user", (Text("u"),)), Message("assistant", (Refusal("no"),)))
    body, report = render_request(
        Request(model="m", items=items), Profile(model="m", prefill=False, message_fields=KNOWN)
    )
    assert body["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "text", "text": "no"}]},
        {"role": "user", "content": "Continue."},
    ]
    assert sorted((entry.verdict.value, entry.field) for entry in report.entries) == [
        ("approximated", "items[1].parts[0]"),
        ("refused", "items[1]"),
    ]


def test_nothing_is_copied_that_need_not_change():
    body = {"model": "x", "messages": [USER, {"role": "assistant", "content": "a"}, USER]}
    out, _ = relay_request(body, CLOSED, None)
    assert all(one is other for one, other in zip(out["messages"], body["messages"], strict=True))
    assert parse_request(body).items
