"""Whole answers of targets that are asked for streams: who serves, and how long each may take."""

import orjson
import pytest

from proxy.config.values import BreakerSettings
from proxy.resilience.breaker import State
from proxy.resilience.window import figures
from translators.ir import Dialect

PING = b": ping\n\n"
WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
THOUGHT = b'data: {"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"hm "}}]}\n\n'
END = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
OVERLOADED = b'data: {"error":{"message":"busy","code":"server_is_overloaded"}}\n\n'
FOLDED = {"profile": {"upstream_stream": True}}
DIALECTS = (Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES)
LONG = {"max_completion_tokens": 30_000}


def text_of(answer) -> str:
    return answer.json["choices"][0]["message"]["content"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_a_client_that_asked_for_no_stream_gets_the_same_answer(lab, dialect):
    plain, folding = lab.provider("plain", dialect), lab.provider("folding", dialect, **FOLDED)
    for name in ("plain", "folding"):
        lab.route(name, name)
    whole, folded = lab.ask({"model": "plain"}), lab.ask({"model": "folding"})
    assert not plain.calls[0].stream
    (call,) = folding.calls
    assert call.stream and dict(call.headers)["accept"] == "text/event-stream" and orjson.loads(call.body)["stream"]
    assert (text_of(whole), text_of(folded)) == ("plain says hello", "folding says hello")
    assert folded.json["usage"] == whole.json["usage"]
    assert (folded.told, folded.headers["content-type"]) == (["answer"], "application/json")
    assert (folded.kinds, folded.exchange.usage) == (["ok"], whole.exchange.usage)


def test_a_claude_that_may_write_long_is_asked_for_a_stream_and_one_that_may_not_is_not(lab):
    (claude,) = lab.chain("claude")
    lab.ask(LONG)
    lab.ask({"max_completion_tokens": 20_000})
    assert [call.stream for call in claude.calls] == [True, False]


def test_metadata_that_was_asked_for_is_in_the_folded_answer(lab):
    lab.chain("alpha", **FOLDED)
    answer = lab.ask(headers={"x-sidestep-metadata": "1"})
    assert answer.json["sidestep"]["provider"] == "alpha"
    assert text_of(answer) == "alpha says hello"


@pytest.mark.parametrize(
    ("script", "kind"),
    [([WORD, "cut"], "protocol"), ([WORD], "protocol"), ([WORD, OVERLOADED], "overloaded")],
    ids=["a cut", "no end", "an error event"],
)
def test_what_breaks_in_the_middle_fails_over_and_nothing_is_lost(lab, script, kind):
    """A stream's client would have seen half an answer by then."""
    alpha, _ = lab.chain("alpha", "beta", **FOLDED)
    alpha.script[0] = script
    answer = lab.ask()
    assert set(answer.kinds[:-1]) == {kind} and answer.kinds[-1] == "ok"
    assert text_of(answer) == "beta says hello"


# -- time


@pytest.mark.parametrize(
    ("script", "seconds"),
    [("stall", 30), ([WORD, "stall"], 30), ([29.0, WORD, "stall"], 59), ([WORD, 25.0, PING, "stall"], 60)],
    ids=["from the start", "after a word", "after a late word", "but for a ping"],
)
def test_silence_is_noticed_within_a_streams_time_and_not_a_whole_answers(lab, script, seconds):
    alpha, _ = lab.chain("alpha", "beta", **FOLDED)
    alpha.script[0] = script
    answer = lab.ask()
    assert answer.kinds == ["timeout", "ok"]
    assert lab.clock.now() == pytest.approx(1000 + seconds)


@pytest.mark.parametrize("piece", [WORD, THOUGHT], ids=["words", "thoughts"])
def test_an_answer_that_makes_progress_is_waited_for_past_half_the_time_though_others_could_answer(lab, piece):
    """What it has done would be lost, and the next target would need as long."""
    alpha, beta = lab.chain("alpha", "beta", **FOLDED)
    alpha.script[0] = [*[20.0, piece] * 25, WORD, END]
    answer = lab.ask()
    assert answer.kinds == ["ok"] and not beta.calls
    assert lab.clock.now() == 1500


def test_an_answer_that_has_not_begun_gets_half_of_the_time(lab):
    alpha, beta = lab.chain("alpha", "beta", **FOLDED)
    alpha.script[0] = [*[20.0, PING] * 25]
    answer = lab.ask(headers={"x-stainless-read-timeout": "50"})
    assert answer.kinds == ["timeout", "ok"]
    assert beta.times == [1024.5]


def test_an_answer_is_not_waited_for_longer_than_its_client_waits(lab):
    (alpha,) = lab.chain("alpha", **FOLDED)
    alpha.script[0] = [*[5.0, WORD] * 25, END]
    answer = lab.ask(headers={"x-stainless-read-timeout": "50"})
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    assert lab.clock.now() == pytest.approx(1049)


# -- breakers


def test_a_probe_has_passed_once_its_answer_has_begun(lab):
    """A long answer would outlast the probe's place otherwise, and no probe would ever pass."""
    patience = BreakerSettings(consecutive_failures=1, probe_successes=1)
    (alpha,) = lab.chain("alpha", breaker=patience, **FOLDED)
    alpha.script[0] = [WORD, "cut"]
    lab.ask()
    assert lab.breaker("alpha").state(lab.clock.now()) is State.OPEN
    lab.wait(40)
    seen = []
    alpha.script[0] = [WORD, lambda: seen.append(lab.breaker("alpha").state(lab.clock.now())), 1.0, END]
    assert lab.ask().kinds == ["ok"]
    assert seen == [State.RAMP]


# -- figures


@pytest.mark.parametrize("ending", [[END], ["cut"]], ids=["whole", "cut"])
def test_a_targets_time_to_first_content_is_told_though_no_client_saw_a_stream(lab, ending):
    alpha, _ = lab.chain("alpha", "beta", **FOLDED)
    alpha.script[0] = [PING, 2.0, WORD, 5.0, *ending]
    answer = lab.ask()
    state = next(one for one in lab.registry.targets() if one.name == "alpha/large")
    first = figures([state.window], lab.clock.now()).first
    assert first is not None and max(first.p50, first.p95) == pytest.approx(2.0)
    assert answer.exchange.first_token == 0, "the client got it whole"
