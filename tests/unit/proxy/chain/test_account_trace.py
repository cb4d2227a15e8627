"""What an attempt notes for its exchange's trace, whatever becomes of it."""

import pytest

from proxy.config.values import BreakerSettings, RetrySettings

ONCE = RetrySettings(attempts_per_target=1)


pytestmark = pytest.mark.usefixtures("traced")


def noted(answer):
    return [(one.target.name, one.kind, one.status) for one in answer.exchange.trace.attempts]


def told(answer):
    return [(one.target, one.kind, one.status) for one in answer.exchange.attempts]


@pytest.mark.parametrize("fault", [503, 429, 400, "refuse", "cut", "stall", (200, {}, b"no json")], ids=str)
def test_attempts_are_noted_as_they_are_told(lab, fault):
    alpha, _ = lab.chain("alpha", "beta", retry=ONCE)
    alpha.script = type(alpha.script)([fault])
    answer = lab.ask()
    assert noted(answer) == told(answer)
    for one in answer.exchange.trace.attempts:
        assert answer.exchange.started <= one.began <= one.ended


def test_an_answer_says_its_model_and_its_end(lab):
    lab.chain("alpha")
    whole, streamed = lab.ask(), lab.ask(stream=True)
    for answer in (whole, streamed):
        assert (answer.exchange.trace.model, answer.exchange.trace.finishes) == ("m", ["stop"])
    assert whole.exchange.trace.attempts[0].first == 0.0
    assert streamed.exchange.trace.attempts[0].first == streamed.exchange.first_token > 0


def test_what_a_failed_stream_said_is_not_told_of_the_next_ones(lab):
    alpha, _ = lab.chain("alpha", "beta", retry=ONCE)
    alpha.script = type(alpha.script)([[b'data: {"id": "c", "model": "other", "choices": []}\n\n', "cut"]])
    answer = lab.ask(stream=True)
    assert (answer.exchange.trace.model, answer.exchange.trace.finishes) == ("m", ["stop"])


def test_the_first_content_of_an_answer_that_is_folded_is_noted_though_the_client_waits_on(lab):
    lab.chain("alpha", profile={"upstream_stream": True})
    [one] = lab.ask().exchange.trace.attempts
    assert one.began <= one.first <= one.ended and one.first


def test_the_breakers_state_is_that_which_let_the_attempt_through(lab):
    breaker = BreakerSettings(consecutive_failures=1, open_s=10, jitter=0, probe_successes=1)
    [alpha] = lab.chain("alpha", retry=ONCE, breaker=breaker)
    alpha.script = type(alpha.script)([503, 503, "ok"])
    states = []
    for pause in (2.0, 31.0, 0.0, 0.0):
        states += [one.breaker for one in lab.ask().exchange.trace.attempts]
        lab.wait(pause)
    assert states == ["closed", "open", "probe", "ramp"]


def test_an_attempt_whose_client_leaves_was_called_off(lab):
    [alpha] = lab.chain("alpha")
    alpha.script = type(alpha.script)(["stall"])
    task = lab.begin()
    lab.end(task)
    exchange, _ = lab.current
    assert [one.kind for one in exchange.trace.attempts] == ["cancelled"]


def test_a_provider_is_told_of_the_trace_where_its_block_says_so(lab):
    alpha, beta = lab.provider("alpha", retry=ONCE), lab.provider("beta", trace=True)
    lab.route("m", "alpha", "beta")
    alpha.script = type(alpha.script)([503])
    answer = lab.ask()
    last = answer.exchange.trace.attempts[-1]
    assert "traceparent" not in dict(alpha.calls[0].headers)
    assert dict(beta.calls[0].headers)["traceparent"].split("-")[2] == last.span_id.hex()
