"""How targets fared, as the pages show it."""

import pytest

from proxy.admin.standing import gauges, health, targets, tell
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.resilience.observed import Observed
from proxy.resilience.targets import Registry, TargetState
from proxy.telemetry.metrics import Metrics
from translators.ir import Dialect
from translators.profile import Profile

T = 3000.0


def target(model="m"):
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test")
    return Target(provider, model, Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())


def state(model="m"):
    return TargetState(target(model), lambda: 0.0, None)


def by_model(one):
    return one.key[0], one.key[2]


def test_times_are_told_in_milliseconds_and_the_ratio_as_a_part_of_one():
    one = state()
    one.window.note(T, T - 2.0, T - 1.75, None)
    one.window.note(T, T - 9.0, 0.0, "server")
    one.window.note(T, T - 9.0, 0.0, "server")
    assert health(one, T) == {
        "outcomes": {"server": 2, "ok": 1},
        "answered": 1,
        "failed": 2,
        "success_ratio": 0.3333,
        "latency_ms": {"p50": 2000.0, "p95": 2000.0},
        "first_token_ms": {"p50": 250.0, "p95": 250.0},
    }


def test_what_nobody_knows_is_null():
    told = health(state(), T)
    assert (told["success_ratio"], told["latency_ms"], told["first_token_ms"]) == (None, None, None)


def test_gauges_have_the_figures_of_each_target_and_none_where_there_are_none():
    one = state()
    one.window.note(T, T - 2.0, 0.0, None)
    assert list(gauges([one, state("quiet")], T, by_model)) == [
        ("sidestep_target_success_ratio", ("alpha", "m"), 1.0),
        ("sidestep_target_seconds", ("alpha", "m", "0.5"), pytest.approx(2.0)),
        ("sidestep_target_seconds", ("alpha", "m", "0.95"), pytest.approx(2.0)),
    ]


def test_targets_that_share_a_label_are_summed_up():
    one, two = state("x"), state("y")
    one.window.note(T, T - 2.0, 0.0, None)
    two.window.note(T, T - 2.0, 0.0, "timeout")
    told = list(gauges([one, two], T, lambda _: ("alpha", "other")))
    assert told[0] == ("sidestep_target_success_ratio", ("alpha", "other"), 0.5)
    assert len(told) == 3


def test_where_only_so_many_are_wanted_those_come_that_were_called_last_each_with_its_course():
    early, late, never, busy = (state(name) for name in ("early", "late", "never", "busy"))
    early.window.note(T, T - 1.0, 0.0, None)
    late.window.note(T + 40.0, T + 39.0, 0.0, "server")
    busy.enter()
    shown = targets([early, late, never, busy], T + 40.0, T, 3)
    assert [one["target"] for one in shown] == ["alpha/busy", "alpha/late", "alpha/early"]
    assert shown[1]["course"] == [
        {"number": (T + 40.0) // 30, "answered": 0, "failed": 1, "latency_ms": None, "first_token_ms": None}
    ]
    assert [one["target"] for one in targets([early, late], T, T)] == ["alpha/early", "alpha/late"]
    assert "course" not in targets([early], T, T)[0]


def test_what_orders_go_by_is_told_of_the_targets_that_one_looked_at():
    plain, seen = state("plain"), state("seen")
    seen.observed = Observed()
    seen.observed.begun(T, 90_000.0, 2)
    shown = [one["observed"] for one in targets([plain, seen], T, 90_030.0)]
    assert shown[0] is None
    assert (shown[1]["minute_requests"], shown[1]["whole_s"]) == (2, None)
    assert targets([seen], T, 90_060.0)[0]["observed"]["minute_requests"] == 0


def test_results_that_came_late_are_told():
    one = state()
    permit = one.breaker.admit(T, 30.0)
    one.breaker.trip(T)
    one.breaker.settle(permit, "success", T)
    [shown] = targets([one], T, T)
    assert (shown["breaker"]["state"], shown["breaker"]["reason"], shown["breaker"]["late"]) == ("OPEN", "manual", 1)


def test_metrics_ask_all_targets_when_they_are_scraped_and_name_what_is_configured():
    class Clock:
        def now(self):
            return T

    metrics, registry = Metrics(["alpha"], ["m"]), Registry(lambda: 0.0, b"k")
    tell(metrics, registry, Clock())
    assert (list(metrics.breakers()), list(metrics.targets())) == ([], [])
    registry.target(target(), T).window.note(T, T - 2.0, 0.0, None)
    registry.target(target("unheard of"), T).breaker.trip(T)
    assert list(metrics.breakers()) == [("alpha", "m", "CLOSED"), ("alpha", "other", "OPEN")]
    assert next(row[:2] for row in metrics.targets()) == ("sidestep_target_success_ratio", ("alpha", "m"))
