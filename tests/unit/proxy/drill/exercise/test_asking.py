"""The drill's client tells a broken stream that says so from one that passes for whole."""

import pytest

from proxy.clock import SystemClock
from proxy.drill import script as scripts
from proxy.drill.exercise.asking import MOST_TOKENS, ask
from proxy.drill.provider import ScriptedProvider
from proxy.drill.wire import whole
from translators.ir import Dialect

SERVED = {"x-sidestep-provider": "alpha", "x-sidestep-model": "large"}


async def asked(script, kind, **more):
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT, script) as provider:
        made = await ask(provider.url, "large", kind, timeout_s=more.get("timeout_s", 10), clock=SystemClock())
        return made, [heard.body for heard in provider.requests]


@pytest.mark.parametrize("kind", ["unary", "stream"])
async def test_a_whole_answer_is_ok_and_says_who_gave_it(kind):
    made, [body] = await asked(scripts.ok(headers=SERVED), kind)
    assert (made.end, made.kind, made.result.served_by) == ("ok", kind, "alpha/large")
    assert (body["model"], body["max_completion_tokens"]) == ("large", MOST_TOKENS)
    assert made.ended >= made.sent
    assert 0 < made.waited_s <= made.result.seconds


async def test_of_a_stream_the_wait_is_that_for_its_first_content():
    made, _ = await asked(scripts.ok(every_s=0.01), "stream")
    assert made.waited_s < made.result.seconds


ENDS = [
    (scripts.status(503), "unary", "error"),
    (scripts.status(503), "stream", "error"),
    (scripts.cut(), "unary", "error"),
    (scripts.half_json(), "unary", "error"),
    (scripts.cut_before_headers(), "stream", "error"),
    (scripts.refuse(), "unary", "error"),
    (scripts.cut(2), "stream", "told"),
    (scripts.overloaded_event(2), "stream", "told"),
    (scripts.truncated(2), "stream", "short"),
    (scripts.truncated(), "stream", "short"),
]


@pytest.mark.parametrize(("script", "kind", "end"), ENDS, ids=str)
async def test_what_is_no_whole_answer_has_its_name(script, kind, end):
    made, _ = await asked(script, kind)
    assert made.end == end
    assert made.result.error


async def test_a_request_that_nobody_answers_is_given_up():
    made, _ = await asked(scripts.silence(), "unary", timeout_s=0.05)
    assert (made.end, made.result.error) == ("error", "TimeoutError")


async def test_an_answer_that_the_questions_own_bound_ends_is_whole(monkeypatch):
    body = b'{"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}'
    monkeypatch.setattr(ScriptedProvider, "plan", lambda *_: [whole(200, [], body)])
    made, _ = await asked(scripts.ok(), "unary")
    assert made.end == "ok"
