"""Deadlines: how long a silent target keeps a request, and what happens when the time is over."""

import pytest

from proxy.config.values import RetrySettings, TimeoutSettings
from proxy.resilience.window import figures
from tests.unit.proxy.chain.conftest import event, good
from tests.unit.proxy.chain.held import full, key_off, throttled, tripped
from translators.ir import Dialect

PING = b": ping\n\n"
ROLE = b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
END = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'


def silent(lab, *names: str, **more):
    engines = lab.chain(*names, **more)
    for engine in engines:
        engine.script[0] = "stall"
    return engines


def moments(lab) -> list[float]:
    """When each provider was called, and when the last one gave up, since the start."""
    return [engine.times[0] - 1000 for engine in lab.engines.values()] + [lab.clock.now() - 1000]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [({}, 120), ({"stream": True}, 30), ({"route": "embeddings"}, 30)],
    ids=["unary", "stream", "embeddings"],
)
def test_a_silent_primary_costs_its_share_of_time_once_and_the_next_target_serves(lab, asked, seconds):
    silent(lab, "alpha", "beta")
    vectors = [b'{"data": [{"embedding": [1.0]}], "model": "large"}']
    lab.engines["beta"].script[0] = vectors if "route" in asked else "ok"
    answer = lab.ask(**asked)
    assert answer.kinds == ["timeout", "ok"]
    assert lab.clock.now() == 1000 + seconds


@pytest.mark.parametrize(("effort", "seconds"), [(None, 300), ("low", 300), ("none", 120)])
def test_a_model_that_reasons_first_may_be_silent_for_longer(lab, effort, seconds):
    silent(lab, "alpha", "beta", models={"large": {"reasons": True}})
    lab.engines["beta"].script[0] = "ok"
    lab.ask({"reasoning_effort": effort} if effort else {})
    assert lab.clock.now() == pytest.approx(1000 + min(seconds, 300))


def test_a_mere_sign_of_life_stretches_the_wait_but_not_for_ever(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = [PING, *[20.0, PING] * 20]
    assert lab.ask(stream=True).kinds == ["timeout", "ok"]
    assert lab.clock.now() == 1060


def test_signs_of_life_are_measured_from_the_last_progress(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [WORD, 25.0, WORD, PING, 50.0, WORD, END]
    assert lab.ask(stream=True).told[-1] == "finish"


def test_a_model_that_reasons_keeps_its_longer_time_while_it_pings_and_loses_it_once_it_has_begun(lab):
    (alpha,) = lab.chain("alpha", models={"large": {"reasons": True}})
    alpha.script[0] = [*[50.0, PING] * 5, WORD, END]
    assert lab.ask(stream=True).told[-1] == "finish"
    for silence in (["stall"], [25.0, PING, "stall"]):
        began = lab.clock.now()
        alpha.script[0] = [WORD, *silence]
        assert lab.ask(stream=True).kinds == ["timeout"]
        assert lab.clock.now() - began == (60 if PING in silence else 30)


def test_progress_keeps_a_stream_alive_for_as_long_as_it_comes(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [*[29.0, WORD] * 10, END]
    answer = lab.ask(stream=True)
    assert answer.told[-1] == "finish"
    assert lab.clock.now() == 1290


def test_an_attempt_gets_at_most_half_of_what_is_left_while_targets_remain(lab):
    """A client that waits ten seconds sees the answer or the error after nine."""
    silent(lab, "alpha", "beta", "gamma")
    answer = lab.ask(stream=True, headers={"x-stainless-read-timeout": "10"})
    assert moments(lab) == pytest.approx([0, 4.5, 6.75, 9])
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    assert answer.headers["x-should-retry"] == "false"
    assert answer.kinds == ["timeout"] * 3
    assert [one["target"] for one in answer.error["sidestep"]["attempts"]] == [
        "alpha/large",
        "beta/large",
        "gamma/large",
    ]


@pytest.mark.parametrize("out", [tripped, throttled, key_off, full])
def test_a_target_that_cannot_be_called_takes_no_time_from_one_that_can(lab, out):
    """An answer after forty seconds is in time for a client that waits sixty."""
    alpha, _ = lab.chain("alpha", "beta", per_target=5)
    out(lab, lab.router().chat("m").targets[1])
    alpha.script[0] = [40.0, *good(Dialect.OPENAI_CHAT, "alpha", stream=False)]
    answer = lab.ask(headers={"x-stainless-read-timeout": "60"})
    assert (answer.status, answer.headers.get("x-sidestep-provider")) == (200, "alpha")
    assert lab.clock.now() == 1040


def test_of_several_further_targets_one_that_can_be_called_is_enough(lab):
    silent(lab, "alpha", "beta", "gamma")
    tripped(lab, lab.router().chat("m").targets[1])
    lab.ask(stream=True, headers={"x-stainless-read-timeout": "10"})
    assert [lab.engines[name].times[0] - 1000 for name in ("alpha", "gamma")] == pytest.approx([0, 4.5])


@pytest.mark.parametrize("gone", [True, False])
def test_a_pause_is_not_given_up_for_a_target_without_a_key(lab, gone):
    alpha, _ = lab.chain("alpha", "beta", retry=RetrySettings(base_s=3))
    lab.clock.chance = lambda: 0.9
    if gone:
        key_off(lab, lab.router().chat("m").targets[1])
    alpha.script.clear()
    alpha.script.extend([503, "ok"])
    answer = lab.ask()
    assert answer.kinds == ["server", "ok"]
    assert answer.headers["x-sidestep-provider"] == ("alpha" if gone else "beta")


def test_the_time_left_is_enough_for_the_next_target_to_serve(lab):
    silent(lab, "alpha", "beta")
    lab.engines["beta"].script[0] = [4.0, ROLE, WORD, END]
    answer = lab.ask(stream=True, headers={"x-stainless-read-timeout": "10"})
    assert answer.headers["x-sidestep-provider"] == "beta"


def test_after_the_commit_only_the_deadline_counts(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [1.0, WORD, 20.0, WORD, 20.0, END]
    answer = lab.ask(stream=True, headers={"x-stainless-read-timeout": "10"})
    assert answer.told[-1] == "finish"
    assert lab.clock.now() == 1041


def test_no_target_is_called_once_the_time_is_over(lab):
    """The process was stopped for a while, so that no timer could ring."""
    alpha, _ = lab.chain("alpha", "beta")

    def stopped() -> None:
        lab.clock.time += 2

    alpha.script[0] = [stopped, "cut"]
    answer = lab.ask(headers={"x-stainless-read-timeout": "1"})
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    assert lab.called == ["alpha"]


def test_the_deadline_ends_a_stream_that_has_begun(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [WORD, *[1.0, WORD] * 100]
    answer = lab.ask(stream=True, headers={"x-request-timeout": "20"})
    assert lab.clock.now() == pytest.approx(1020)
    assert answer.error["code"] == "deadline_exceeded"
    assert answer.told[-1] == "abort"
    assert b"[DONE]" not in answer.body


def test_a_slow_reader_is_not_the_upstreams_silence(lab):
    """While the client is written to, nobody watches the provider."""
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [WORD, WORD, END]
    lab.write_s = 100.0
    assert lab.ask(stream=True).told[-1] == "finish"


# -- whose fault a silence was


def failures(lab) -> int:
    return lab.breaker("alpha").snapshot(lab.clock.now()).failures


def test_a_hurried_client_alone_does_not_feed_the_breaker(lab):
    """A target that was given four seconds has not shown that it is down; but they are seen."""
    silent(lab, "alpha", "beta")
    for _ in range(6):
        lab.ask(headers={"x-request-timeout": "9"})
    assert len(lab.engines["alpha"].calls) == 6
    assert failures(lab) == 0 and lab.changes == []
    window = next(state.window for state in lab.registry.targets() if state.name == "alpha/large")
    assert figures([window], lab.clock.now()).outcomes == {"timeout": 6}


def test_a_client_that_waits_for_a_fair_time_does(lab):
    silent(lab, "alpha", "beta")
    lab.ask(headers={"x-request-timeout": "82"})
    assert failures(lab) == 1


def test_a_hurried_client_still_feeds_it_with_failures_that_are_no_silence(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = 503
    lab.ask(headers={"x-request-timeout": "2"})
    assert failures(lab) == 3


def test_a_silence_as_long_as_the_configuration_grants_counts_however_short_that_is(lab):
    silent(lab, "alpha", "beta", timeouts=TimeoutSettings(progress_unary_s=0.3))
    lab.engines["beta"].script[0] = "ok"
    lab.ask()
    assert lab.clock.now() == pytest.approx(1000.3)
    assert failures(lab) == 1


def test_a_silence_after_the_commit_counts_whoever_waits(lab):
    (alpha,) = lab.chain("alpha", timeouts=TimeoutSettings(progress_s=3, idle_s=3))
    alpha.script[0] = [WORD, "stall"]
    lab.ask(stream=True, headers={"x-stainless-read-timeout": "3"})
    assert failures(lab) == 1


def test_a_models_own_deadline_ends_a_request_before_the_common_one(lab):
    silent(lab, "alpha")
    lab.route("m", "alpha", timeouts={"deadline_s": 2.0})
    answer = lab.ask()
    assert answer.status == 504
    assert answer.error["code"] == "deadline_exceeded"
    assert lab.clock.now() == pytest.approx(1002)


HURRIED = {"x-stainless-read-timeout": "101"}
"""A target with others behind it has fifty seconds."""
MESSAGE = event({"type": "message_start", "message": {"id": "m", "model": "large", "usage": {"input_tokens": 3}}})
HIDDEN = [
    event({"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking", "data": "x"}})
    + event({"type": "content_block_stop", "index": 0})
]
"""Progress, of which a client of Chat Completions sees nothing."""


@pytest.mark.parametrize(
    ("name", "signs"),
    [("alpha", [*[20.0, PING] * 2, 19.0]), ("claude", [20.0, MESSAGE, *[20.0, *HIDDEN] * 3])],
    ids=["pings", "thinking that the client cannot see"],
)
@pytest.mark.parametrize("goes", [True, False])
def test_a_stream_that_lives_has_all_the_time_where_nobody_behind_it_could_use_it(lab, name, signs, goes):
    """Who can is looked at when half of the time is nearly over, for much may have happened since the call."""
    first, _ = lab.chain(name, "beta")
    beta = lab.router().chat("m").targets[1]
    whole = good(Dialect.ANTHROPIC_MESSAGES if name == "claude" else Dialect.OPENAI_CHAT, name, stream=True)
    first.script[0] = [PING, lambda: tripped(lab, beta) if goes else None, *signs, *whole]
    answer = lab.ask(stream=True, headers=HURRIED)
    assert answer.kinds == (["ok"] if goes else ["timeout", "ok"])
    assert lab.clock.now() - 1000 == (sum(one for one in signs if isinstance(one, float)) if goes else 50)


def test_and_no_more_than_its_client_waits(lab):
    claude, _ = lab.chain("claude", "beta")
    tripped(lab, lab.router().chat("m").targets[1])
    claude.script[0] = [MESSAGE, *[20.0, *HIDDEN] * 10]
    answer = lab.ask(stream=True, headers=HURRIED)
    assert (answer.status, lab.clock.now()) == (504, 1100)
