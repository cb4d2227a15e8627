"""Token counts that other gateways added twice, left out or priced wrong."""

import pytest

from tests.gateways.bridge import (
    CHAT,
    CLAUDE,
    GEMINI,
    RESPONSES,
    chat_answer,
    chunk,
    claude_answer,
    claude_events,
    folded,
    gemini_answer,
    response_of,
    said_item,
    streamed,
    told,
)

TEXT = [{"type": "text", "text": ""}, {"type": "text_delta", "text": "hi"}]
READ = {"input_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300, "output_tokens": 1}
TOTAL = {"input_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300, "output_tokens": 40}


def usage_of(chunks):
    [usage] = [one["usage"] for one in chunks if isinstance(one, dict) and one.get("usage")]
    return usage


# L#11789 (BerriAI/litellm)
def test_tokens_read_from_the_cache_are_told_apart_in_a_stream():
    """Or they would be priced as tokens that were read anew."""
    usage = usage_of(streamed(CLAUDE, CHAT, claude_events(TEXT, start=READ, end={"output_tokens": 40})))
    assert usage["prompt_tokens_details"]["cached_tokens"] == 300
    assert usage["prompt_tokens_details"]["cache_write_tokens"] == 20
    assert usage["prompt_tokens"] - 300 - 20 == 5


# L#31069 (BerriAI/litellm)
def test_an_anthropic_client_is_told_what_an_openai_provider_cached():
    """The counts come at the end there: `message_delta` has them all, and none is counted twice."""
    counts = {"prompt_tokens": 325, "completion_tokens": 40, "total_tokens": 365}
    counts["prompt_tokens_details"] = {"cached_tokens": 300, "cache_write_tokens": 20}
    chunks = [chunk(content="hi"), chunk("stop"), {**chunk(usage=counts), "choices": []}, b"[DONE]"]
    events = streamed(CHAT, CLAUDE, chunks)
    expected = {"input_tokens": 5, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 20}
    end = next(event["usage"] for event in events if event["type"] == "message_delta")
    assert {name: end[name] for name in expected} == expected
    assert end["output_tokens"] == 40
    start = events[0]["message"]["usage"]
    assert {"input_tokens", "output_tokens"} <= start.keys()
    whole = told(CHAT, CLAUDE, chat_answer(content="hi") | {"usage": counts})["usage"]
    assert {name: whole[name] for name in expected} == expected


ANSWERS = {
    CLAUDE: (
        claude_answer({"type": "text", "text": "hi"}, usage=TOTAL),
        claude_events(TEXT, start=READ, end={"output_tokens": 40}),
    ),
    GEMINI: (
        gemini_answer({"text": "hi"}, usage={"promptTokenCount": 9, "cachedContentTokenCount": 4}),
        [
            gemini_answer({"text": "h"}, finish=None, usage={"promptTokenCount": 9}),
            gemini_answer({"text": "i"}, usage={"promptTokenCount": 9, "cachedContentTokenCount": 4}),
        ],
    ),
}


# L#41067 (BerriAI/litellm)
@pytest.mark.parametrize("upstream", ANSWERS)
def test_a_stream_and_a_whole_answer_count_the_same(upstream):
    whole, events = ANSWERS[upstream]
    assert told(upstream, CHAT, whole)["usage"] == usage_of(streamed(upstream, CHAT, events))


# mozilla-ai/any-llm#622
def test_the_prompt_is_what_was_read_anew_and_from_the_cache_and_written_to_it():
    usage = told(CLAUDE, CHAT, claude_answer({"type": "text", "text": "hi"}, usage=TOTAL))["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (325, 40, 365)
    response = told(CLAUDE, RESPONSES, claude_answer({"type": "text", "text": "hi"}, usage=TOTAL))["usage"]
    assert (response["input_tokens"], response["total_tokens"]) == (325, 365)


# langchain-ai/langchainjs#10249
def test_counts_that_come_again_at_the_end_are_not_added_up():
    events = claude_events(TEXT, start=READ, end=TOTAL)
    assert usage_of(streamed(CLAUDE, CHAT, events))["prompt_tokens"] == 325
    assert usage_of(streamed(CLAUDE, CHAT, events))["completion_tokens"] == 40


# Arize-ai/openinference#3734
def test_later_counts_replace_earlier_ones_and_a_zero_is_a_count():
    end = TOTAL | {"cache_read_input_tokens": 0, "input_tokens": 0}
    usage = folded(CLAUDE, claude_events(TEXT, start=READ, end=end)).usage
    assert (usage.input, usage.cached, usage.cache_write, usage.output) == (20, 0, 20, 40)
    silent = folded(CLAUDE, claude_events(TEXT, start=READ, end={"output_tokens": 0})).usage
    assert (silent.input, silent.output) == (325, 0)


def test_what_was_not_said_is_not_zero():
    """30 seen from the other side: an answer that says nothing of reasoning stays without such a count."""
    assert folded(CLAUDE, claude_events(TEXT)).usage.reasoning is None
    details = told(CHAT, CHAT, chat_answer(content="hi"))["usage"].get("completion_tokens_details") or {}
    assert "reasoning_tokens" not in details
    assert "reasoning_tokens" in str(told(CHAT, RESPONSES, chat_answer(content="hi"))["usage"])
    counted = response_of(said_item("hi"))
    counted["usage"]["output_tokens_details"] = {"reasoning_tokens": 2}
    assert told(RESPONSES, CHAT, counted)["usage"]["completion_tokens_details"]["reasoning_tokens"] == 2
