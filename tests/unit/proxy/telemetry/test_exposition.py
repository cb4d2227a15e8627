"""The metrics as a scraper reads them."""

import sys

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from proxy.telemetry import names
from proxy.telemetry.exposition import Exposition, process_metrics
from proxy.telemetry.metrics import Metrics
from translators.ir import Usage

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def metrics():
    metrics = Metrics(["alpha"], ["m"])
    usage = Usage(input=0, output=12)
    metrics.exchange("chat", "alpha", "m", 200, "", took=0.3, added=0.0002, first=0.2, usage=usage)
    metrics.exchange("chat", "", "", 503, "overloaded", took=1000.0, added=1.0, first=None, usage=None)
    metrics.attempt("alpha", "m", "ok")
    metrics.came_late("alpha", "m")
    metrics.came_late("alpha", "m")
    metrics.own_error("internal_error")
    metrics.inflight = lambda: 3
    metrics.tasks = lambda: 7
    metrics.breakers = lambda: [("alpha", "m", "open")]
    metrics.log_lines_dropped = lambda: 2
    metrics.configured = False, 1.7e9
    metrics.spans_dropped = lambda: 4
    metrics.probe("alpha", "server")
    metrics.probe("unheard of", "ok")
    metrics.providers_up = lambda: [("alpha", False)]
    metrics.targets = lambda: [
        (names.TARGET_SUCCESS_RATIO, ("alpha", "m"), 0.75),
        (names.TARGET_SECONDS, ("alpha", "m", "0.95"), 2.5),
    ]
    metrics.records_dropped = lambda: 5
    metrics.usage_dropped = lambda: 6
    return metrics


@pytest.mark.parametrize(("accept", "parse"), [("", prometheus), (OPEN_METRICS, open_metrics)])
def test_it_parses_and_says_what_was_counted(metrics, accept, parse):
    body, content_type = Exposition(metrics).render(accept)
    assert content_type.startswith("application/openmetrics-text" if accept else "text/plain")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse(body.decode())
        for sample in family.samples
    }
    alpha = (("model", "m"), ("provider", "alpha"))
    assert samples[("sidestep_requests_total", ("code", ""), *alpha, ("route", "chat"), ("status", "200"))] == 1
    assert samples[("sidestep_attempts_total", ("kind", "ok"), *alpha)] == 1
    assert samples[("sidestep_late_results_total", *alpha)] == 2
    assert samples[("sidestep_tokens_total", ("direction", "output"), *alpha)] == 12
    assert samples[("sidestep_own_errors_total", ("code", "internal_error"))] == 1
    assert samples[("sidestep_inflight",)] == 3
    assert samples[("sidestep_tasks",)] == 7
    assert samples[("sidestep_memory_blocks",)] == pytest.approx(sys.getallocatedblocks(), rel=0.1)
    assert samples[("sidestep_breaker_state", *alpha, ("state", "open"))] == 1
    assert samples[("sidestep_log_lines_dropped_total",)] == 2
    assert samples[("sidestep_config_reload_success",)] == 0
    assert samples[("sidestep_config_reload_timestamp_seconds",)] == 1.7e9
    assert samples[("sidestep_spans_dropped_total",)] == 4
    assert samples[("sidestep_probes_total", ("kind", "server"), ("provider", "alpha"))] == 1
    assert samples[("sidestep_probes_total", ("kind", "ok"), ("provider", "other"))] == 1
    assert samples[("sidestep_probe_up", ("provider", "alpha"))] == 0
    assert samples[("sidestep_target_success_ratio", *alpha)] == 0.75
    assert samples[("sidestep_target_seconds", *alpha, ("quantile", "0.95"))] == 2.5
    assert samples[("sidestep_records_dropped_total",)] == 5
    assert samples[("sidestep_usage_dropped_total",)] == 6
    assert samples[("sidestep_request_seconds_count", ("route", "chat"))] == 2
    assert samples[("sidestep_request_seconds_sum", ("route", "chat"))] == 1000.3
    assert samples[("sidestep_request_seconds_bucket", ("le", "0.5"), ("route", "chat"))] == 1
    assert samples[("sidestep_request_seconds_bucket", ("le", "+Inf"), ("route", "chat"))] == 2
    assert samples[("sidestep_ttft_seconds_count", *alpha)] == 1
    assert samples[("sidestep_added_seconds_bucket", ("le", "0.0002"), ("route", "chat"))] == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the library reads /proc")
def test_the_process_tells_its_memory_and_its_open_files():
    body, _ = Exposition(Metrics()).render(process=process_metrics())
    samples = {one.name: one.value for family in prometheus(body.decode()) for one in family.samples}
    assert samples["process_resident_memory_bytes"] > 1_000_000
    assert 3 <= samples["process_open_fds"] < samples["process_max_fds"]


def test_money_is_told_in_dollars():
    metrics = Metrics(["alpha"], ["m"])
    metrics.spend("alpha", "m", 1_500_000_000)
    metrics.spend("alpha", "m", 1_000)
    metrics.spend("alpha", "made-up", 7)
    body, _ = Exposition(metrics).render()
    assert b'sidestep_cost_usd_total{model="m",provider="alpha"} 1.500001' in body
    assert b'sidestep_cost_usd_total{model="other",provider="alpha"} 7e-09' in body


def test_before_anything_was_counted_every_name_is_known():
    body, _ = Exposition(Metrics()).render()
    found = {family.name for family in prometheus(body.decode())}
    assert found == {
        f"sidestep_{name}"
        for name in (
            "requests",
            "attempts",
            "tokens",
            "cost_usd",
            "own_errors",
            "request_seconds",
            "ttft_seconds",
            "added_seconds",
            "inflight",
            "memory_blocks",
            "tasks",
            "late_results",
            "breaker_state",
            "log_lines_dropped",
            "config_reload_success",
            "config_reload_timestamp_seconds",
            "spans_dropped",
            "probes",
            "probe_up",
            "target_success_ratio",
            "target_seconds",
            "target_ttft_seconds",
            "records_dropped",
            "budget_fraction",
            "budget_alerts",
            "model_alerts",
            "alerts_lost",
            "usage_dropped",
        )
    }


def test_each_rendering_shows_what_is_counted_by_then(metrics):
    exposition = Exposition(metrics)
    before, _ = exposition.render()
    metrics.own_error("internal_error")
    after, _ = exposition.render()
    assert b'own_errors_total{code="internal_error"} 1.0' in before
    assert b'own_errors_total{code="internal_error"} 2.0' in after
