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
        more = {"timeout_s": 10, **more}
        made = await ask(provider.url, "large", kind, clock=SystemClock(), **more)
        asked.headers = [dict(heard.headers) for heard in provider.requests]
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


async def test_a_client_with_a_timeout_says_it_as_the_official_sdk_does():
    made, _ = await asked(scripts.ok(), "unary", client_s=7.25)
    assert (made.end, made.left) == ("ok", False)
    assert [one["x-stainless-read-timeout"] for one in asked.headers] == ["7.250"]
    await asked(scripts.ok(), "unary")
    assert [one for one in asked.headers if "x-stainless-read-timeout" in one] == []


@pytest.mark.parametrize(
    ("script", "kind", "status"),
    [(scripts.silence(), "unary", 0), (scripts.silence(), "stream", 0), (scripts.stall(2), "stream", 200)],
    ids=str,
)
async def test_it_leaves_when_nothing_has_come_for_so_long_and_that_is_an_error(script, kind, status):
    """However much came before: it is not told anything."""
    made, _ = await asked(script, kind, client_s=0.1)
    assert (made.end, made.left, made.result.status) == ("error", True, status)
    assert made.result.error == "the client left: nothing came for 0.1 s"
    assert made.ended - made.sent > 0.09


async def test_it_stays_while_there_are_signs_of_life():
    made, _ = await asked(scripts.ok(pings=6, every_s=0.1), "stream", client_s=0.4)
    assert (made.end, made.left) == ("ok", False)
    assert made.ended - made.sent > 0.5


async def test_an_answer_that_the_questions_own_bound_ends_is_whole(monkeypatch):
    body = b'{"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}'
    monkeypatch.setattr(ScriptedProvider, "plan", lambda *_: [whole(200, [], body)])
    made, _ = await asked(scripts.ok(), "unary")
    assert made.end == "ok"
