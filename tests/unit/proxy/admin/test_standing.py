"""How targets fared, as the pages show it."""

import pytest

from proxy.admin.standing import gauges, health, targets
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.resilience.targets import TargetState
from translators.ir import Dialect
from translators.profile import Profile

T = 3000.0


def state(model="m"):
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test")
    target = Target(provider, model, Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())
    return TargetState(target, lambda: 0.0, None)


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
    shown = targets([early, late, never, busy], T + 40.0, 3)
    assert [one["target"] for one in shown] == ["alpha/busy", "alpha/late", "alpha/early"]
    assert shown[1]["course"] == [
        {"number": (T + 40.0) // 30, "answered": 0, "failed": 1, "latency_ms": None, "first_token_ms": None}
    ]
    assert [one["target"] for one in targets([early, late], T)] == ["alpha/early", "alpha/late"]
    assert "course" not in targets([early], T)[0]
