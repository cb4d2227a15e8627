"""An exercise is quick, never at the cost of being told what was made quicker."""

import pytest
from msgspec import structs

from proxy.config.spending import LedgerSettings, Spending
from proxy.config.values import (
    BreakerSettings,
    HealthSettings,
    ModelRoute,
    PassthroughSettings,
    RecordSettings,
    RetrySettings,
    Step,
    TelemetrySettings,
    TimeoutSettings,
)
from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.pace import CAPPED, SCALED, pace, quickened


@pytest.fixture
def paced(chain):
    """`paced("timeout", seconds=9, open_s=...)`: the pace of a chain whose head has these breaker times."""

    def made(fault="503", *, rate=10, seconds=9, offline=True, client_s=None, **breaker):
        target = choose(chain(breaker=BreakerSettings(**breaker)), None).target
        return pace(target, CASES[fault], rate=rate, seconds=seconds, offline=offline, client_s=client_s)

    return made


def test_a_targets_first_opening_is_a_third_of_the_fault(paced):
    at = paced(seconds=9)
    assert 30 * at.factor == pytest.approx(3)
    assert at.changed == ("open_s 30 -> 3", "open_max_s 300 -> 30", "ramp_s 30 -> 3")
    assert at.own_s == 90


@pytest.mark.parametrize("seconds", [90, 200])
def test_a_fault_that_lasts_long_enough_meets_the_configurations_own_breaker(paced, seconds):
    at = paced(seconds=seconds)
    assert (at.factor, at.changed) == (1.0, ())


def test_nothing_is_made_longer(paced):
    assert paced(seconds=9, open_s=1.0, open_max_s=2.0).factor == 1.0


def test_timeouts_are_capped_and_named(paced):
    at = paced(seconds=10)
    assert (at.patience.most_s, at.capped) == (2.0, CAPPED)
    assert paced(seconds=3000).capped == ()


def test_real_providers_have_ten_seconds_to_answer(paced):
    assert paced(seconds=2, offline=False).patience.most_s == 10
    assert paced(seconds=2).patience.most_s == 0.5


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("fault", ["timeout", "stall"])
def test_a_silent_target_fails_for_as_long_as_its_breaker_needs_to_see_it(paced, fault, offline):
    """The timeout, as many failures as open it, and the opening itself."""
    at = paced(fault, seconds=1, rate=10, offline=offline)
    assert at.fault_s == pytest.approx(at.patience.most_s + 0.5 + 30 * at.factor)


@pytest.mark.parametrize(("rate", "noticed_s"), [(10, 1.6 + 0.4), (1, 1.6 / 0.4 + 0.4)])
def test_where_its_clients_are_in_a_hurry_until_their_waits_have_added_up(paced, rate, noticed_s):
    """The client's time is 1 s here, of which a target has 0.4 s, and the longer timeout 1.6 s: two of its
    calls make up a third of that."""
    at = paced("timeout", seconds=1, rate=rate, client_s=20)
    opening_s = min(5 * 2 / rate, 1)
    assert at.fault_s == pytest.approx(noticed_s + opening_s + 30 * at.factor)
    assert (at.patience.client_s, at.capped, at.beside[0]) == (1, (), "the client's 20 -> 1")
    assert (at.enough, paced("timeout").enough, paced("503", client_s=20).enough) == (14, 5, 5)


def test_a_client_that_outwaits_every_timeout_changes_nothing_of_an_exercise(paced):
    plain, patient = paced("timeout"), paced("timeout", client_s=3600)
    assert plain.fault_s == patient.fault_s
    assert quickened_timeouts(plain) == quickened_timeouts(patient)


def quickened_timeouts(at):
    return at.patience.quick(TimeoutSettings())


def test_a_slow_answer_is_within_the_time_that_a_client_leaves_it(paced):
    assert paced("slow", seconds=30).severity.patience_s == 6
    assert paced("slow", seconds=30, client_s=2).severity.patience_s == pytest.approx(0.8)


def test_a_wait_is_longer_than_a_request_would_sleep_for_it(paced):
    assert paced("429", seconds=1.5).severity.retry_after_s == pytest.approx(2.1)
    assert paced("429", seconds=30).severity.retry_after_s == pytest.approx(10)


@pytest.mark.parametrize(
    ("fault", "least", "most"), [("503", 16, 22), ("429", 5, 7), ("quota", 0.5, 1), ("slow", 0.5, 1)]
)
def test_as_long_is_waited_for_the_target_as_its_recovery_can_take(paced, fault, least, most):
    """The longest opening that fits into the fault, the ramp and the probes; none where nothing recovers."""
    assert least <= paced(fault, seconds=9).after_s <= most


def test_the_cost_is_bounded_by_the_time(paced):
    at = paced(seconds=9, rate=2)
    assert at.most_requests == int(2 * (2 * at.before_s + 9 + at.after_s)) + 4


def test_many_failures_that_open_a_breaker_do_not_make_a_drill_endless(paced):
    assert paced("timeout", seconds=5, consecutive_failures=100_000).fault_s < 10


def test_the_configuration_that_is_drilled_differs_in_its_times_and_ports_alone(chain, paced):
    config, at = chain(retry=RetrySettings(base_s=3.0)), paced(seconds=9)
    route = ModelRoute(
        "gpt",
        (Step("alpha", "large"),),
        breaker={"open_s": 60.0, "jitter": 0.5},
        timeouts={"idle_s": 50.0, "connect_s": 4.0},
    )
    config = structs.replace(
        config,
        models={"gpt": route},
        passthrough=PassthroughSettings("alpha"),
        telemetry=TelemetrySettings("http://otel.test/v1/traces"),
        spending=Spending(ledger=LedgerSettings("sqlite:///kept.db")),
        record=RecordSettings("exchanges.jsonl"),
    )
    looked_at = {
        name: structs.replace(one, health=HealthSettings(active=True)) for name, one in config.providers.items()
    }
    quick = quickened(structs.replace(config, providers=looked_at), at)
    alpha = quick.providers["alpha"]
    assert not alpha.health.active
    assert [getattr(alpha.breaker, name) for name in SCALED] == pytest.approx([3, 30, 3])
    assert alpha.breaker.consecutive_failures == 5
    assert {getattr(alpha.timeouts, name) for name in CAPPED} == {1.8}
    assert alpha.timeouts.connect_s == TimeoutSettings().connect_s
    assert alpha.retry == RetrySettings(base_s=3.0)
    assert quick.models["gpt"].breaker == {"open_s": pytest.approx(6), "jitter": 0.5}
    assert quick.models["gpt"].timeouts == {"idle_s": 1.8, "connect_s": 4.0}
    assert (quick.server.listen, quick.server.admin) == ("127.0.0.1:0", "127.0.0.1:0")
    assert not quick.server.refresh_capabilities
    assert not quick.clients
    assert not quick.passthrough.provider
    assert not quick.telemetry.otlp
    assert quick.spending == Spending()
    assert not quick.record.file
