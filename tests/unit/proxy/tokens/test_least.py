"""No conversation has fewer tokens than its least."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.tokens import exact, least
from proxy.tokens.least import at_least


def chat(*contents: object, **more: object) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": content} for content in contents], **more}


LONG_WORDS = "The quick brown fox jumps over the lazy dog, 1234 times; def f(x):\n    return x  # and so on\n"


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4"])
@given(text=st.text(alphabet=st.sampled_from("ab1 Z\n\t.,/'-#éß日"), max_size=200))
@settings(max_examples=60, deadline=None)  # the first example loads the vocabulary
def test_the_least_is_never_more_than_there_are(model, text):
    counted = exact(text, model)
    if counted is None:
        pytest.skip("TIKTOKEN_CACHE_DIR names no vocabularies")
    assert at_least(chat(text)) <= counted


def test_the_least_is_near_for_usual_text():
    assert at_least(chat(LONG_WORDS * 10)) >= 10 * 12


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "one two three "}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "one two three "}]}]},
        {"system": "one ", "messages": [{"role": "user", "content": [{"type": "text", "text": "two three "}]}]},
        {"instructions": "one ", "input": [{"role": "user", "content": "two three "}]},
        {"input": [{"type": "function_call_output", "output": "one two three "}]},
        {"systemInstruction": {"parts": [{"text": "one "}]}, "contents": [{"parts": [{"text": "two three "}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [1]}, {"role": "tool", "content": "one two three "}]},
        {"prompt": ["one two ", "three "]},
    ],
)
def test_words_count_wherever_a_dialect_has_them(body):
    assert at_least(body) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a b c "}}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "a b c "}]}]},
        {"contents": [{"parts": [{"text": "a b c ", "thought": True}]}]},
        {"messages": [{"role": "user", "content": None}, "odd", 5]},
        {"truncation": "auto", "input": "a b c "},
        {"context_management": {"edits": [1]}, "messages": [{"content": "a b c "}]},
        {"transforms": ["middle-out"], "messages": [{"content": "a b c "}]},
    ],
)
def test_what_a_model_may_not_be_given_is_not_counted(body):
    assert at_least(body) == 0


def test_no_more_is_looked_at_than_a_window_needs(monkeypatch):
    monkeypatch.setattr(least, "LOOKED_AT", 10)
    assert at_least(chat("a b c d e f g h i j k ", "a b ")) == 5
