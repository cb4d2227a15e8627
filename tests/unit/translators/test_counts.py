"""Counts that cannot be read: the answer is there all the same, and told none."""

import math

import msgspec
import pytest
from msgspec import Struct

from translators import embeddings
from translators.anthropic_messages import reply as messages
from translators.anthropic_messages.events_in import Reader as MessagesReader
from translators.codec import Context
from translators.counts import MOST, count_in, uncounted, whole
from translators.faults import ProtocolFault
from translators.gemini import embeddings as vectors
from translators.gemini import reply as gemini
from translators.gemini.reader import Reader as GeminiReader
from translators.ir import Event, Usage, Used
from translators.openai_chat import reply as chat
from translators.openai_chat.reader import ChatReader
from translators.openai_chat.relay import Relay
from translators.openai_completions import reply as completions
from translators.openai_completions.reader import CompletionReader
from translators.openai_responses import reply as responses
from translators.openai_responses.reader import ResponsesReader
from translators.profile import Profile

PROFILE = Profile(provider="p", model="m")
BAD = ['"12"', "true", "{}", "1e999", "[1]"]
"""In the place of a count."""
WHOLE = {
    chat: '{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":?,"completion_tokens":3}}',
    completions: '{"id":"x","choices":[{"index":0,"text":"hi","finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":?,"completion_tokens":3}}',
    responses: '{"id":"x","object":"response","status":"completed","output":[{"type":"message","role":"assistant",'
    '"content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":?,"output_tokens":3}}',
    messages: '{"type":"message","id":"x","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn",'
    '"usage":{"input_tokens":?,"output_tokens":3}}',
    gemini: '{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}],'
    '"usageMetadata":{"promptTokenCount":?,"candidatesTokenCount":3}}',
}
EVENTS = {
    ChatReader: '{"id":"x","choices":[],"usage":{"prompt_tokens":?,"completion_tokens":3}}',
    CompletionReader: '{"id":"x","choices":[],"usage":{"prompt_tokens":?,"completion_tokens":3}}',
    ResponsesReader: '{"type":"response.completed","response":{"id":"x","status":"completed","output":[],'
    '"usage":{"input_tokens":?,"output_tokens":3}}}',
    MessagesReader: '{"type":"message_start","message":{"id":"x","usage":{"input_tokens":?,"output_tokens":3}}}',
    GeminiReader: '{"candidates":[],"usageMetadata":{"promptTokenCount":?,"candidatesTokenCount":3}}',
}


def put(text: str, count: str) -> bytes:
    return text.replace("?", count).encode()


def name_of(one) -> str:
    return str(getattr(one, "__module__", None) or one.__name__).split(".")[1]


@pytest.mark.parametrize("count", BAD)
@pytest.mark.parametrize("dialect", WHOLE, ids=name_of)
def test_an_answer_whose_counts_cannot_be_read_is_one_that_told_none(dialect, count):
    body = put(WHOLE[dialect], count)
    assert dialect.inspect_reply(body, PROFILE).usage is None
    reply = dialect.parse_reply(body, PROFILE)
    assert (reply.usage, reply.choices[0].items[0].parts[0].text) == (None, "hi")


@pytest.mark.parametrize("dialect", WHOLE, ids=name_of)
@pytest.mark.parametrize("usage", ["7", '"none"', "[]", "{}", "null"])
def test_neither_does_one_whose_usage_is_something_else(dialect, usage):
    head, _, _ = WHOLE[dialect].rpartition('":{"')
    body = f'{head}":{usage}}}'.encode()
    assert dialect.inspect_reply(body, PROFILE).usage is None
    assert dialect.parse_reply(body, PROFILE).usage is None


@pytest.mark.parametrize("dialect", WHOLE, ids=name_of)
def test_what_is_wrong_elsewhere_is_still_a_fault(dialect):
    body = put(WHOLE[dialect], '"12"')
    for field in (b'"choices":', b'"output":', b'"candidates":', b'"stop_reason":'):
        body = body.replace(field, field + b'7,"was":', 1)
    with pytest.raises(ProtocolFault):
        dialect.inspect_reply(body, PROFILE)


@pytest.mark.parametrize("count", BAD)
@pytest.mark.parametrize("reader", EVENTS, ids=name_of)
def test_a_streams_event_whose_counts_cannot_be_read_tells_none(reader, count):
    assert any(isinstance(one, Used) for one in reader(PROFILE).feed(Event(put(EVENTS[reader], "12"))))
    assert not any(isinstance(one, Used) for one in reader(PROFILE).feed(Event(put(EVENTS[reader], count))))


def test_a_chunk_of_nothing_but_such_counts_is_still_kept_from_who_did_not_ask_for_them():
    """Who reads `choices[0]` of every chunk would stumble over it."""
    relay = Relay(PROFILE, Context(id="c", created=0, model="m", include_usage=False))
    assert relay.feed(Event(put(EVENTS[ChatReader], '"12"')))[1] == b""


def test_details_that_are_an_empty_list_cost_no_counts():
    body = put(WHOLE[chat], '12,"prompt_tokens_details":[],"completion_tokens_details":[]')
    assert chat.inspect_reply(body, PROFILE).usage == Usage(12, 3)


@pytest.mark.parametrize("count", ['"12"', "true", "{}", "[1]", "-4", "1e30", "9" * 30])
def test_vectors_come_whatever_was_counted(count):
    body = put('{"data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":?}}', count)
    usual = put(
        '{"object":"list","data":[{"object":"embedding","embedding":[0.5]}],"usage":{"prompt_tokens":?}}', count
    )
    theirs = put('{"embeddings":[{"values":[1.0]}],"usageMetadata":{"promptTokenCount":?}}', count)
    told = [
        embeddings.adapt(body, "float", PROFILE),
        embeddings.adapt(usual, "float", PROFILE),
        vectors.adapt(theirs, "float", PROFILE),
    ]
    for _, usage, _, made in told:
        assert made == 1
        assert usage is None or usage == Usage(0, 0)


@pytest.mark.parametrize("dialect", WHOLE, ids=name_of)
@pytest.mark.parametrize("count", ["-4", "1e30", "9" * 30])
def test_a_number_that_cannot_be_true_is_no_count(dialect, count):
    """It would turn a counter back, or be more than a log line or a metric can hold."""
    assert dialect.inspect_reply(put(WHOLE[dialect], count), PROFILE).usage == Usage(0, 3)


def test_a_count_is_the_first_that_was_given_as_a_whole_number():
    assert whole(3.7) == 3
    assert whole(None) is None
    assert [whole(one) for one in (-1, MOST, math.nan, math.inf, MOST - 1)] == [0, 0, 0, 0, MOST - 1]


def test_a_count_by_its_name_is_a_number_or_none():
    assert [count_in({"n": one}, "n") for one in (5, 5.0, True, "5", None)] == [5, 5, None, None, None]
    assert count_in([5], "n") is None


class _Told(Struct):
    usage: int = 0


def test_what_is_no_json_or_too_deep_is_not_read_again():
    decode = msgspec.json.Decoder(_Told).decode
    assert uncounted(b'{"usage":', decode) is None
    assert uncounted(b'{"usage":' + b"[" * 100_000, decode) is None
    assert uncounted(b'{"other":"x"}', decode) is None
    assert uncounted(b'{"usage":"x"}', decode) is None, "what is left of it cannot be read either"
