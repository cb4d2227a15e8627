"""One request as a step sees it: its answer, and its errors, with the dialect's headers."""

from proxy.drill.scene import EVENT_STREAM, JSON, Scene
from proxy.drill.speech import Question
from proxy.drill.voice import voice_of
from translators.ir import Dialect

OPENAI = voice_of(Dialect.OPENAI_CHAT)


def question(*, stream: bool) -> Question:
    return Question(key="k", provider="alpha", model="m", stream=stream, text="hi", heard=2)


def test_a_stream_is_answered_by_events_and_all_else_by_a_body():
    streamed = Scene(OPENAI, "k", question(stream=True))
    unary = Scene(OPENAI, "k", question(stream=False))
    assert streamed.streaming
    assert streamed.answer().events
    assert dict(streamed.answer().headers)["content-type"] == EVENT_STREAM
    assert not unary.streaming
    assert unary.answer().events is None
    assert dict(unary.answer().headers)["content-type"] == JSON


def test_what_is_no_chat_is_answered_by_the_body_given():
    scene = Scene(OPENAI, "k", b"{}")
    assert not scene.streaming
    assert scene.answer().body == b"{}"


def test_headers_given_are_added_or_replace_the_answers_own():
    told = dict(Scene(OPENAI, "k", b"{}").answer(headers={"content-type": "text/plain", "x": "y"}).headers)
    assert (told["content-type"], told["x"], told["x-request-id"]) == ("text/plain", "y", "req_k")


def test_an_error_may_say_another_status_than_it_means():
    scene = Scene(OPENAI, "k", question(stream=True))
    assert scene.error(500, None, None, {}).status == 500
    hidden = scene.error(500, None, None, {}, said=200)
    assert (hidden.status, hidden.body) == (200, scene.error(500, None, None, {}).body)
