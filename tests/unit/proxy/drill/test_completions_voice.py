"""The scripted provider's completions are what the dialect's own reader takes them for."""

import orjson
import pytest

from proxy.drill import completions_voice as voice
from proxy.drill.speech import speak
from translators.ir import Event, Message, Text
from translators.openai_completions import parse_reply, reader
from translators.profile import Profile
from translators.sse import EventSplitter


def heard(**body):
    return voice.hear({"model": "m", "prompt": "Once", **body}, "", "alpha", "k")


@pytest.mark.parametrize("n", [1, 2])
def test_a_whole_answer_echoes_the_prompt(n):
    question = heard(n=n)
    reply = parse_reply(voice.body(question, speak(question)), Profile())
    said = Message("assistant", (Text("demo answer from alpha: Once"),))
    assert [choice.items for choice in reply.choices] == [(said,)] * n
    assert reply.usage.total > 0


@pytest.mark.parametrize("usage", [False, True])
def test_a_stream_ends_regularly_with_usage_where_it_was_asked_for(usage):
    question = heard(stream=True, stream_options={"include_usage": usage}, max_tokens=2)
    told = b"".join(event.data for event in voice.events(question, speak(question)))
    reading = reader(Profile())
    deltas = [delta for event in EventSplitter().feed(told) for delta in reading.feed(event)]
    assert reading.close() == () and reading.done
    assert any(type(delta).__name__ == "Used" for delta in deltas) is usage
    assert [delta.finish.value for delta in deltas if type(delta).__name__ == "Ended"] == ["length"]


def test_a_request_without_a_model_is_refused():
    assert isinstance(voice.hear({"prompt": "Once"}, "", "alpha", "k"), str)


def test_a_text_event_holds_the_bytes_it_was_given():
    (event,) = EventSplitter().feed(voice.text_event(b"\xff"))
    assert b'"\xff"' in event.data
    assert reader(Profile()).feed(Event(orjson.dumps(orjson.loads(voice.text_event(b"a")[6:]))))
