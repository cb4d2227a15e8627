"""Chunks that are not in OpenAI's form, as the clients of a relay get them."""

import orjson
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from translators.codec import Context
from translators.ir import Event
from translators.openai_chat.relay import Relay
from translators.profile import Profile
from translators.sse import EventSplitter

HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CALL = {"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def chunk(finish=None, **choice):
    return {**HEAD, "choices": [{"index": 0, "finish_reason": finish, **choice}]}


def relayed(*chunks):
    pipe = Relay(Profile(provider="p", model="m"), Context(id="i", created=1, model="m"))
    data = b"".join(pipe.feed(Event(orjson.dumps(one)))[1] for one in chunks)
    return [orjson.loads(event.data) for event in EventSplitter().feed(data)]


def read(chunks):
    """The message that OpenAI's own SDK makes of the chunks."""
    state = ChatCompletionStreamState()
    for one in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(one))
    return state.get_final_completion().choices[0]


def test_a_message_in_place_of_deltas_is_the_delta_that_it_is():
    message = {"role": "assistant", "content": "hi", "tool_calls": [CALL], "novel": 1}
    [one] = relayed(chunk("tool_calls", message=message))
    assert "message" not in one["choices"][0]
    assert one["choices"][0]["delta"] == {
        "role": "assistant",
        "novel": 1,
        "content": "hi",
        "tool_calls": [{"index": 0, **CALL}],
    }
    answer = read([one])
    assert (answer.message.content, answer.message.tool_calls[0].function.arguments) == ("hi", '{"a":1}')


@pytest.mark.parametrize("delta", [{}, {"delta": {"role": "assistant"}}, {"delta": {"content": ""}}])
def test_of_a_message_at_the_end_only_what_was_not_told_is(delta):
    told = relayed(
        chunk(delta={"role": "assistant", "content": "Hello"}),
        chunk("stop", message={"role": "assistant", "content": "Hello there."}, **delta),
    )
    assert read(told).message.content == "Hello there."


def test_the_rest_of_arguments_and_of_thinking_and_a_refusal_come_from_the_message():
    begun = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a"'}}
    message = {"tool_calls": [CALL], "reasoning_content": "Hm.", "refusal": "no"}
    [_, last] = relayed(chunk(delta={"tool_calls": [begun]}), chunk("tool_calls", message=message))
    assert last["choices"][0]["delta"] == {
        "reasoning_content": "Hm.",
        "refusal": "no",
        "tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}],
    }


def test_a_free_text_call_and_sound_of_a_message_are_told_in_their_own_form():
    custom = {"id": "t", "type": "custom", "custom": {"name": "f", "input": "x"}}
    sound = {"id": "a", "data": "AAAA", "transcript": "hi"}
    [one] = relayed(chunk("tool_calls", message={"tool_calls": [custom], "audio": sound}))
    assert one["choices"][0]["delta"] == {"tool_calls": [{"index": 0, **custom}], "audio": sound}


def test_a_copy_of_what_the_delta_beside_it_says_passes():
    both = chunk(delta={"content": "a"}, message={"content": "a"})
    assert relayed(both) == [both]


def test_a_choice_without_a_delta_gets_an_empty_one_and_keeps_the_rest():
    trailing = chunk(content_filter_offsets={"check_offset": 5})
    [*_, last] = relayed(chunk(delta={"content": "a"}), chunk("stop", delta={}), trailing)
    assert last["choices"] == [{**trailing["choices"][0], "delta": {}}]
    assert read(relayed(chunk(delta={"content": "a"}), chunk("stop", delta={}), trailing)).message.content == "a"
