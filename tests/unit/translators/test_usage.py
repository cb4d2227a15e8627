"""All that is wanted to price an answer is read of it, streamed or whole, in every dialect."""

import orjson
import pytest

from translators.catalog import codec
from translators.ir import Dialect, Used
from translators.joined import added
from translators.profile import Profile
from translators.sse import EventSplitter
from translators.usage import Usage, priced

CHAT, RESPONSES, MESSAGES = Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES
PROFILE = Profile(provider="p", model="m")

CHAT_COUNTS = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5, "audio_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 7, "audio_tokens": 30},
}
CHAT_USAGE = Usage(100, 50, 10, 5, 7, audio=20, audio_output=30, tier="priority")
RESPONSES_COUNTS = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 7},
}
MESSAGES_COUNTS = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 50,
    "cache_read_input_tokens": 10,
    "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
    "output_tokens": 5,
    "speed": "fast",
    "service_tier": "standard",
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 9},
}
GEMINI_COUNTS = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 10,
    "candidatesTokenCount": 40,
    "thoughtsTokenCount": 10,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 80}, {"modality": "AUDIO", "tokenCount": 20}],
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
    "serviceTier": "flex",
}


def sse(*events):
    return b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(one)) for name, one in events)


def chat(counts):
    def answer(message, **more):
        return {"id": "1", "model": "m", "service_tier": "priority", "choices": [message], **more}

    whole = answer({"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}, usage=counts)
    last = {"id": "1", "model": "m", "service_tier": "priority", "choices": [], "usage": counts}
    said = answer({"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"})
    return whole, sse(("", said), ("", last)) + b"data: [DONE]\n\n"


def responses(counts):
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
    head = {"id": "1", "object": "response", "model": "m", "service_tier": "flex"}
    calls = [{"type": "web_search_call", "id": "1", "action": {"type": kind}} for kind in ("search", "open_page")]
    output = [*calls, {"type": "web_search_call", "id": "2", "status": "failed"}, message]
    whole = {**head, "status": "completed", "output": output, "usage": counts}
    created = {"type": "response.created", "response": {**head, "service_tier": "auto", "status": "in_progress"}}
    return whole, sse(("", created), ("", {"type": "response.completed", "response": whole}))


def messages(counts):
    head = {"id": "1", "type": "message", "role": "assistant", "model": "m"}
    whole = {**head, "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn", "usage": counts}
    events = [
        {"type": "message_start", "message": {**head, "content": [], "usage": {**counts, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return whole, sse(*((one["type"], one) for one in events))


def gemini(counts):
    content = {"role": "model", "parts": [{"text": "a"}]}
    searched = {"groundingMetadata": {"webSearchQueries": ["", "one", "two", "one"]}}
    whole = {"candidates": [{"content": content, "finishReason": "STOP", **searched}], "usageMetadata": counts}
    early = {"candidates": [{"content": content, **searched}], "usageMetadata": {"promptTokenCount": 100}}
    last = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": counts}
    return whole, sse(("", early), ("", last))


ANSWERS = {
    CHAT: (chat(CHAT_COUNTS), CHAT_USAGE),
    RESPONSES: (responses(RESPONSES_COUNTS), Usage(100, 50, 10, 5, 7, tier="flex", searches=2)),
    MESSAGES: (messages(MESSAGES_COUNTS), Usage(160, 5, 10, 50, cache_write_1h=30, tier="fast", searches=2)),
    Dialect.GEMINI: (
        gemini(GEMINI_COUNTS),
        Usage(100, 50, 10, None, 10, audio=20, audio_output=30, tier="flex", searches=2),
    ),
}


@pytest.mark.parametrize("dialect", ANSWERS)
def test_a_stream_and_a_whole_answer_tell_the_same(dialect):
    """So does a glance at an answer that passes as it is."""
    (whole, stream), expected = ANSWERS[dialect]
    speaks = codec(dialect)
    assert speaks.parse_reply(orjson.dumps(whole), PROFILE).usage == expected
    assert speaks.inspect_reply(orjson.dumps(whole), PROFILE).usage == expected
    reader = speaks.reader(PROFILE)
    deltas = [delta for event in EventSplitter().feed(stream) for delta in reader.feed(event)]
    assert [delta.usage for delta in deltas if isinstance(delta, Used)][-1] == expected


def test_what_is_kept_for_an_hour_is_told_on():
    usage = Usage(160, 5, 10, 50, cache_write_1h=30, tier="fast", searches=2)
    whole = chat({"prompt_tokens": 1, "completion_tokens": 1})[0]
    from msgspec import structs

    from translators.codec import Context

    reply = structs.replace(codec(CHAT).parse_reply(orjson.dumps(whole), PROFILE), usage=usage)
    body = orjson.loads(codec(MESSAGES).render_reply(reply, Context(id="1", created=1, model="m")))
    assert body["usage"]["cache_creation"] == {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
    assert body["usage"]["speed"] == "fast"
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 2, "web_fetch_requests": 0}


@pytest.mark.parametrize(
    ("tier", "found"),
    [("priority", "priority"), ("flex", "flex"), ("default", None), ("on_demand", None), (None, None), (3, None)],
)
def test_only_a_tier_that_may_have_a_price_is_kept(tier, found):
    assert priced(tier) == found


def test_several_calls_keep_the_counts_of_each():
    """Each is billed on its own, and has the price of its own length."""
    one, two, three = Usage(1, 2, audio=1), Usage(3, 4, cache_write_1h=2, tier="flex"), Usage(5, 6, searches=3)
    total = added(added(one, two), three)
    assert (total.input, total.output, total.audio, total.cache_write_1h, total.tier) == (9, 12, 1, 2, "flex")
    assert total.calls == (one, two, three)
    assert total.searches == 3
    assert (total.billed, one.billed) == (21, 3)
