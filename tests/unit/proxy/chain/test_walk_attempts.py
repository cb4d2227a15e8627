"""How the attempts of one request are spread over its chain, and the pauses between them."""

import pytest

from proxy.config.values import BreakerSettings, RetrySettings

PATIENT = BreakerSettings(consecutive_failures=1000)
ANSWER = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
DRAWN = (0.3, 0.9, 0.1, 0.55, 0.99, 0.0)
"""Numbers that chance gave."""


def failing(lab, *names: str, **more):
    engines = lab.chain(*names, **more)
    for engine in engines:
        engine.script[0] = 503
    return engines


def counts(lab) -> list[int]:
    return [lab.called.count(name) for name in lab.engines]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [(1, [3]), (2, [3, 3]), (3, [3, 2, 1]), (4, [3, 1, 1, 1]), (6, [1] * 6), (8, [1] * 8)],
)
def test_every_target_of_a_chain_gets_its_turn(lab, targets, expected):
    """At most three attempts each and six in all, or as many as there are targets."""
    failing(lab, *(f"p{n}" for n in range(targets)))
    lab.ask()
    assert counts(lab) == expected
    assert lab.called == sorted(lab.called), "in order"


def test_a_client_that_retries_by_itself_gets_one_attempt_per_target(lab):
    failing(lab, "alpha", "beta")
    lab.ask(headers={"x-stainless-retry-count": "0"})
    assert counts(lab) == [3, 3]
    lab.called.clear()
    lab.wait(1000)
    lab.ask(headers={"x-stainless-retry-count": "1"})
    assert counts(lab) == [1, 1]


def test_the_first_good_answer_ends_the_walk(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script.clear()
    alpha.script.extend([503, 503, "ok"])
    answer = lab.ask()
    assert answer.kinds == ["server", "server", "ok"]
    assert not beta.calls


def test_the_pauses_grow_twofold_with_full_jitter_up_to_the_cap(lab):
    retry = RetrySettings(attempts_per_target=7, max_total_attempts=7, max_inline_wait_s=100)
    failing(lab, "alpha", breaker=PATIENT, retry=retry)
    lab.clock.chance = iter(DRAWN).__next__
    lab.ask()
    longest = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
    assert lab.clock.slept == [most * chance for most, chance in zip(longest, DRAWN, strict=True)]


def test_a_long_pause_is_given_up_for_the_next_target(lab):
    """Above two seconds, while another target would take the call."""
    failing(lab, "alpha", "beta", retry=RetrySettings(base_s=3))
    lab.engines["beta"].script[0] = "ok"
    lab.clock.chance = lambda: 0.9
    lab.ask()
    assert lab.called == ["alpha", "beta"]
    assert lab.clock.slept == []


@pytest.mark.parametrize("obstacle", ["breaker", "throttle"])
def test_a_long_pause_is_shortened_where_no_other_target_would_take_the_call(lab, obstacle):
    alpha, _ = failing(lab, "alpha", "beta", retry=RetrySettings(base_s=3))
    state = lab.registry.target(lab.router().chat("m").targets[1], lab.clock.now())
    if obstacle == "breaker":
        state.breaker.trip(lab.clock.now())
    else:
        state.throttle.block(lab.clock.now(), 60, lambda: 0.0)
    lab.clock.chance = lambda: 0.9
    lab.ask()
    assert len(alpha.calls) == 3
    assert lab.clock.slept == [2.0, 2.0]


def test_a_pause_past_the_end_of_the_request_is_not_begun(lab):
    """And the answer is the target's fault, for the time is not over."""
    failing(lab, "alpha")
    lab.clock.chance = lambda: 0.9
    answer = lab.ask(headers={"x-request-timeout": "0.5"})
    assert (answer.status, lab.clock.slept) == (502, [])
    assert answer.kinds == ["server"]


def test_no_pause_is_made_for_a_target_whose_breaker_has_just_opened(lab):
    failing(lab, "alpha", "beta", breaker=BreakerSettings(consecutive_failures=2))
    lab.engines["beta"].script[0] = "ok"
    lab.clock.chance = lambda: 0.5
    lab.ask()
    assert lab.called == ["alpha", "alpha", "beta"]
    assert lab.clock.slept == [0.25]


def test_the_time_slept_counts_as_the_upstreams_and_not_as_ours(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script.clear()
    alpha.script.extend([[1.0, "cut"], [2.0, ANSWER]])
    lab.clock.chance = lambda: 0.5
    answer = lab.ask()
    assert answer.exchange.upstream_s == pytest.approx(1 + 0.25 + 2)
    line = lab.lines[-1]
    assert line["added_ms"] == pytest.approx(0)


# -- the retry budget


def test_a_target_whose_retry_budget_is_used_up_gets_one_attempt_and_the_next_one_its_turn(lab):
    retry = RetrySettings(budget_ratio=0.0, budget_min_per_s=0.1, budget_window_s=10)
    alpha, _ = lab.chain("alpha", "beta", retry=retry, breaker=PATIENT)
    alpha.script[0] = 503
    made = []
    for _ in range(2):
        before = len(alpha.calls)
        assert lab.ask().headers["x-sidestep-provider"] == "beta"
        made.append(len(alpha.calls) - before)
    assert made == [2, 1], "one retry in ten seconds"
    lab.wait(11)
    lab.ask()
    assert len(alpha.calls) == 5


def test_a_request_earns_its_target_once_however_often_it_is_tried_there(lab):
    failing(lab, "alpha", retry=RetrySettings(budget_ratio=1.0, budget_min_per_s=0.0))
    lab.ask()
    assert lab.called == ["alpha", "alpha"]


def test_only_retries_at_the_same_target_are_taken_from_its_budget(lab):
    """Going on to another target is not a retry."""
    retry = RetrySettings(budget_ratio=0.0, budget_min_per_s=0.0)
    failing(lab, "alpha", "beta", "gamma", retry=retry)
    lab.ask()
    assert lab.called == ["alpha", "beta", "gamma"]


def test_another_key_of_the_same_target_is_a_retry_too(lab):
    retry = RetrySettings(budget_ratio=0.0, budget_min_per_s=0.0)
    alpha, _ = lab.chain("alpha", "beta", keys=2, retry=retry)
    alpha.script[0] = 401
    lab.ask()
    assert lab.called == ["alpha", "beta"]


def test_requests_that_skip_a_target_earn_it_no_retries(lab):
    alpha, _ = lab.chain("alpha", "beta")
    lab.ask()
    lab.breaker("alpha").trip(lab.clock.now())
    for _ in range(20):
        lab.ask()
    assert len(alpha.calls) == 1
    assert next(iter(lab.registry.targets())).budget._deposited == 1
