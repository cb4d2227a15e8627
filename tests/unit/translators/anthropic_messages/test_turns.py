"""The conversation: who speaks when, tool results in their place, and what had to be moved."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.anthropic_messages import render_request
from translators.ir import Foreign, Image, Message, Opaque, Reasoning, Request, Text, ToolCall, ToolResult
from translators.profile import Profile

ORIGIN = "anthropic-messages|anthropic|claude-test|"


def call(call_id, name="look", arguments="{}", **fields):
    return ToolCall(call_id, name, arguments, **fields)


def result(call_id, text="ok", **fields):
    return ToolResult(call_id, (Text(text),), **fields)


def roles(body):
    return [message["role"] for message in body["messages"]]


def kinds(message):
    return [block["type"] for block in message["content"]]


def texts(message):
    return [block["text"] for block in message["content"] if block["type"] == "text"]


# -- system ------------------------------------------------------------------------------------------------------


def test_leading_system_and_developer_messages_are_a_block_each_with_their_markers(render, user):
    mark = {"type": "ephemeral"}
    body, report = render(Message("system", (Text("a", mark),)), Message("developer", (Text("b"),)), user())
    assert body["system"] == [{"type": "text", "text": "a", "cache_control": mark}, {"type": "text", "text": "b"}]
    assert report == {}


def test_a_leading_system_message_is_text_only(render, user):
    body, report = render(Message("system", (Text("a"), Image(url="https://example.org/a.png"))), user())
    assert kinds({"content": body["system"]}) == ["text"]
    assert report == {"items[0]": "refused"}


def test_a_later_system_message_stays_in_place_after_a_user_turn(render, user, assistant, system):
    body, report = render(user(), system("New rule."), assistant(), user(), system("Last."))
    assert roles(body) == ["user", "system", "assistant", "user", "system"]
    assert report == {}


def test_system_messages_before_the_users_words_move_behind_them_and_merge(render, user, assistant, system):
    body, report = render(user(), assistant(), system("One."), system("Two."), user("More"))
    assert roles(body) == ["user", "assistant", "user", "system"]
    assert texts(body["messages"][3]) == ["One.", "Two."]
    assert report == {"items[2].role": "approximated", "items[3].role": "approximated"}


def test_a_system_message_between_a_call_and_its_result_moves_behind_the_result(render, user, system):
    body, _ = render(user(), call("a"), system("Careful."), result("a"))
    assert roles(body) == ["user", "assistant", "user", "system"]
    assert kinds(body["messages"][2]) == ["tool_result"]


def test_a_system_message_with_no_user_turn_beside_it_becomes_user_text(render, user, assistant, system):
    body, report = render(user(), assistant(), system("Stop."))
    assert roles(body) == ["user", "assistant", "user"]
    assert texts(body["messages"][2]) == ["<system>\nStop.\n</system>"]
    assert report == {"items[2].role": "approximated"}


def test_a_model_without_later_system_messages_gets_them_as_user_text_behind_results(render, target, user, system):
    body, report = render(user(), call("a"), system("Mind."), result("a"), profile=target(system_anywhere=False))
    assert kinds(body["messages"][2]) == ["tool_result", "text"]
    assert texts(body["messages"][2]) == ["<system>\nMind.\n</system>"]
    assert report == {"items[2].role": "approximated"}


def test_a_system_message_whose_assistant_turn_vanished_still_ends_the_users_turn(render, user, assistant, system):
    body, _ = render(user("a"), system("s"), assistant(" "), user("b"))
    assert roles(body) == ["user", "system"]
    assert texts(body["messages"][0]) == ["a", "b"]


# -- turns -------------------------------------------------------------------------------------------------------


def test_consecutive_messages_of_one_role_are_one_turn(render, user, assistant):
    body, report = render(user("a"), user("b"), assistant("c"), assistant("d"), user("e"))
    assert [texts(message) for message in body["messages"]] == [["a", "b"], ["c", "d"], ["e"]]
    assert report == {}


def test_a_conversation_the_assistant_begins_gets_a_user_turn_before_it(render, user, assistant):
    body, report = render(assistant(), user())
    assert roles(body) == ["user", "assistant", "user"]
    assert report == {"messages": "approximated"}


def test_a_system_prompt_alone_gets_a_user_turn(render, system):
    body, report = render(system())
    assert roles(body) == ["user"]
    assert report == {"messages": "approximated"}


def test_a_name_is_said_as_a_prefix(render, user):
    body, report = render(user("Hi", name="Ada"))
    assert texts(body["messages"][0]) == ["Ada: Hi"]
    assert report == {"items[0].name": "approximated"}


def test_an_empty_user_turn_gets_a_placeholder_and_an_empty_assistant_turn_vanishes(render, user, assistant):
    body, report = render(user("  "), assistant(""), user(""))
    assert roles(body) == ["user"]
    assert all(text.strip() for text in texts(body["messages"][0]))
    assert report["items[0]"] == "approximated"


def test_an_assistant_message_with_calls_alone_has_no_text_block(render, user):
    body, _ = render(user(), Message("assistant", (Text(""),)), call("a"), result("a"))
    assert kinds(body["messages"][1]) == ["tool_use"]


def test_a_prefill_is_trimmed_where_the_model_takes_one(render, target, user, assistant):
    body, report = render(user(), assistant("The answer is \n"), profile=target(prefill=True))
    assert body["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "The answer is"}]}
    assert report == {}


def test_a_prefill_is_refused_elsewhere_and_the_body_is_still_one_the_model_takes(render, user, assistant):
    body, report = render(user(), assistant("The answer is"))
    assert roles(body) == ["user", "assistant", "user"]
    assert report == {"items[1]": "refused"}


# -- tools -------------------------------------------------------------------------------------------------------


def test_five_parallel_results_are_one_user_turn_in_call_order(render, user):
    calls = [call(f"c{i}") for i in range(5)]
    body, report = render(user(), *calls, *[result(f"c{i}", f"r{i}") for i in (3, 1, 4, 0, 2)])
    assert roles(body) == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == ["c0", "c1", "c2", "c3", "c4"]
    assert report == {}


def test_results_with_images_stay_in_their_result_and_user_text_comes_after_all_of_them(render, user):
    picture = Image(data="AAAA", media_type="image/png")
    body, _ = render(
        user(), call("a"), call("b"), ToolResult("a", (Text("see"), picture)), user("and?"), ToolResult("b", (picture,))
    )
    turn = body["messages"][2]
    assert kinds(turn) == ["tool_result", "tool_result", "text"]
    assert kinds(turn["content"][0]) == ["text", "image"]


def test_a_missing_result_is_an_error_in_its_place_and_told(render, user):
    body, report = render(user(), call("a"), call("b"), result("b"), user("Go on"))
    first, second, text = body["messages"][2]["content"]
    assert (first["tool_use_id"], first["is_error"]) == ("a", True)
    assert "is_error" not in second
    assert text["text"] == "Go on"
    assert report == {"items[1]": "approximated"}


def test_calls_at_the_end_are_answered_too(render, user):
    body, report = render(user(), call("a"))
    assert kinds(body["messages"][-1]) == ["tool_result"]
    assert report == {"items[1]": "approximated"}


def test_every_earlier_call_keeps_its_own_result(render, user):
    turns = []
    for i in range(4):
        turns += [call(f"c{i}"), result(f"c{i}", f"r{i}")]
    body, report = render(user(), *turns)
    uses = [b["id"] for m in body["messages"] for b in m["content"] if b["type"] == "tool_use"]
    answers = [b["tool_use_id"] for m in body["messages"] for b in m["content"] if b["type"] == "tool_result"]
    assert uses == answers == ["c0", "c1", "c2", "c3"]
    assert report == {}


@pytest.mark.parametrize("items", [[result("z")], [call("a"), result("a"), result("a")], [call("a"), result("b")]])
def test_a_result_without_a_waiting_call_is_refused(render, user, items):
    _, report = render(user(), *items)
    assert report[f"items[{len(items)}]"] == "refused"


def test_an_error_result_and_an_empty_one_keep_their_meaning(render, user):
    mark = {"type": "ephemeral"}
    body, _ = render(user(), call("a"), ToolResult("a", (), is_error=True, cache=mark))
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "is_error": True, "cache_control": mark}
    ]


def test_ids_outside_the_pattern_are_rewritten_the_same_way_every_time_and_never_collide(render, user):
    items = (user(), call("a.b"), call("a/b"), call(""), result("a/b"), result("a.b"), result(""))
    body, report = render(*items)
    ids = [block["id"] for block in body["messages"][1]["content"]]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)
    assert len(set(ids)) == 3
    assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == ids
    assert render(*items)[0] == body
    assert report == {}


def test_an_id_used_again_in_a_later_turn_is_made_unique_with_its_result(render, user):
    body, _ = render(user(), call("call_0"), result("call_0", "1"), call("call_0"), result("call_0", "2"))
    ids = [b["id"] for m in body["messages"] for b in m["content"] if b["type"] == "tool_use"]
    answers = [b["tool_use_id"] for m in body["messages"] for b in m["content"] if b["type"] == "tool_result"]
    assert ids == answers
    assert len(set(ids)) == 2


def test_arguments_are_parsed_and_no_text_is_no_arguments(render, user):
    body, _ = render(user(), call("a", arguments='{"x": [1]}'), call("b", arguments=""), result("a"), result("b"))
    assert [block["input"] for block in body["messages"][1]["content"]] == [{"x": [1]}, {}]


def test_unparsable_arguments_are_refused_and_others_wrapped(render, user):
    _, report = render(user(), call("a", arguments='{"x'), call("b", arguments="[1]"), result("a"), result("b"))
    assert report == {
        "items[1].arguments": "refused",
        "items[2].arguments": "approximated",
    }


def test_a_free_text_call_is_wrapped_as_its_tool_is(render, user):
    body, _ = render(user(), call("a", arguments="print(1)", custom=True), result("a"))
    assert body["messages"][1]["content"][0]["input"] == {"input": "print(1)"}


def test_a_call_closes_its_turn_even_when_text_came_after_it(render, user, assistant):
    body, _ = render(user(), assistant("a"), call("1"), assistant("b"), result("1"))
    assert kinds(body["messages"][1]) == ["text", "text", "tool_use"]


def test_server_tool_blocks_stay_before_the_callers_own_call(render, user):
    used = Foreign("anthropic-messages", "server_tool_use", {"type": "server_tool_use", "id": "s"})
    found = Foreign("anthropic-messages", "web_search_tool_result", {"type": "web_search_tool_result"})
    body, _ = render(user(), Message("assistant", (Text("a"), used, found)), call("1"), result("1"))
    assert kinds(body["messages"][1]) == ["text", "server_tool_use", "web_search_tool_result", "tool_use"]


# -- thinking ----------------------------------------------------------------------------------------------------


def test_own_thinking_goes_back_first_in_order_and_unchanged(render, user, assistant):
    thoughts = [
        Reasoning("One.", Opaque("signature", "s1", ORIGIN)),
        Reasoning("", Opaque("signature", "s2", ORIGIN)),
        Reasoning("", Opaque("redacted", "d3", ORIGIN)),
    ]
    body, report = render(user(), *thoughts, assistant("a"), call("1"), result("1"))
    assert body["messages"][1]["content"][:3] == [
        {"type": "thinking", "thinking": "One.", "signature": "s1"},
        {"type": "thinking", "thinking": "", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d3"},
    ]
    assert report == {}


@pytest.mark.parametrize(
    "origin", ["", "anthropic-messages|other|claude-test|", "anthropic-messages|anthropic|claude-x|"]
)
def test_thinking_of_another_maker_stays_here_and_is_told(render, user, assistant, origin):
    body, report = render(user(), Reasoning("Hm.", Opaque("signature", "s", origin)), assistant("a"), user())
    assert kinds(body["messages"][1]) == ["text"]
    assert report == {"items[1]": "dropped"}


def test_unsigned_thinking_stays_here_and_is_told_once_a_request(render, user, assistant):
    turn = (Reasoning("Hm."), Reasoning("So."), assistant("a"), user())
    body, report = render(user(), *turn, *turn)
    assert [kinds(message) for message in body["messages"]] == [["text"]] * 5
    assert report == {"items[1]": "dropped"}


def test_thinking_that_says_nothing_is_no_loss(render, user, assistant):
    assert render(user(), Reasoning(""), assistant("a"), user())[1] == {}


# -- whatever comes ----------------------------------------------------------------------------------------------

words = st.sampled_from(["", " ", "a", "b\n"])
ids = st.sampled_from(["", "1", "2", "a.b"])
items = st.lists(
    st.builds(
        lambda role, text: Message(role, (Text(text),)),
        st.sampled_from(["system", "developer", "user", "assistant"]),
        words,
    )
    | st.builds(call, ids)
    | st.builds(result, ids, words)
    | st.builds(Reasoning, words, st.none() | st.builds(Opaque, st.just("signature"), st.just("s"), st.just(ORIGIN))),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(items, st.booleans(), st.booleans())
def test_any_conversation_comes_out_by_anthropics_rules(given_items, prefill, system_anywhere):
    profile = Profile(provider="anthropic", model="claude-test", prefill=prefill, system_anywhere=system_anywhere)
    body, _ = render_request(Request(model="m", items=tuple(given_items)), profile)
    messages = body["messages"]
    said = [message["role"] for message in messages]
    assert said[0] == "user"
    assert all(one != other for one, other in itertools.pairwise(said))
    assert prefill or said[-1] != "assistant"
    waiting = []
    for message, role in zip(messages, said, strict=True):
        assert message["content"]
        assert all(block["text"].strip() for block in message["content"] if block["type"] == "text")
        if role == "user":
            assert [b["tool_use_id"] for b in message["content"] if b["type"] == "tool_result"] == waiting
            assert kinds(message)[: len(waiting)] == ["tool_result"] * len(waiting)
        if role != "system":
            waiting = [b["id"] for b in message["content"] if b["type"] == "tool_use"]
    assert waiting == []
    if not system_anywhere:
        assert "system" not in said
    uses = [b["id"] for m in messages for b in m["content"] if b["type"] == "tool_use"]
    assert len(uses) == len(set(uses))
    for before, role, after in zip(said, said[1:], [*said[2:], "assistant"], strict=False):
        assert role != "system" or (before, after) == ("user", "assistant")


def test_a_phase_has_no_place_here_and_that_is_told(render, user):
    _, report = render(user(), Message("assistant", (Text("a"),), phase="commentary"), user())
    assert report == {"items[1].phase": "dropped"}


def test_an_assistants_turn_of_blanks_is_left_out_and_that_is_told(render, user):
    body, report = render(user(), Message("assistant", (Text("  "),)), user())
    assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert report == {"items[1]": "approximated"}
