"""The metrics in Prometheus' text form (and OpenMetrics, when asked for), made only when they are scraped."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from proxy.config.spending import NANOS
from proxy.telemetry import names
from proxy.telemetry.metrics import Buckets, Labels, Metrics


class _Families(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.process: Sequence[Metric] = ()

    def collect(self) -> Iterator[Metric]:
        yield from self.process
        m = self._metrics
        yield _counter(
            names.REQUESTS,
            "Requests answered, by who answered and how.",
            ("route", "provider", "model", "status", "code"),
            m.requests,
        )
        yield _counter(
            names.ATTEMPTS_MADE,
            "Calls to upstreams, by their outcome.",
            ("provider", "model", "kind"),
            m.attempts,
        )
        yield _counter(
            names.LATE_RESULTS,
            "Results of calls that came when their target's breaker had moved on, and changed nothing.",
            ("provider", "model"),
            m.late,
        )
        yield _counter(
            names.TOKENS,
            "Tokens, as the providers counted them.",
            ("direction", "provider", "model"),
            m.tokens,
        )
        spent = {who: nanos / NANOS for who, nanos in m.spent.items()}
        yield _counter(names.COST_USD, "What calls cost, where prices are known.", ("provider", "model"), spent)
        yield _counter(names.OWN_ERRORS, "Faults of our own: roll back when these grow.", ("code",), m.own_errors)
        yield _histogram(names.REQUEST_SECONDS, "Time of whole requests.", ("route",), m.request_seconds)
        yield _histogram(names.TTFT_SECONDS, "Time to the first content.", ("provider", "model"), m.ttft_seconds)
        yield _histogram(names.ADDED_SECONDS, "Time Sidestep added before the first byte.", ("route",), m.added_seconds)
        yield GaugeMetricFamily(names.INFLIGHT, "Requests being served.", value=m.inflight())
        yield GaugeMetricFamily(names.TASKS, "Tasks of the event loop.", value=m.tasks())
        blocks = sys.getallocatedblocks()
        yield GaugeMetricFamily(names.MEMORY_BLOCKS, "Pieces of memory that the interpreter has in use.", value=blocks)
        yield _breakers(m.breakers())
        yield _counter(names.PROBES, "Looks at providers, by their outcome.", ("provider", "kind"), m.probes)
        up = GaugeMetricFamily(names.PROBE_UP, "1 if the last look found the provider up.", labels=("provider",))
        for provider, is_up in m.providers_up():
            up.add_metric((m.provider_label(provider),), int(is_up))
        yield up
        yield from _targets(m.targets())
        yield from _budgets(m)
        applied, at = m.configured
        yield GaugeMetricFamily(names.RELOAD_SUCCESS, "1 if the configuration read last serves.", value=int(applied))
        yield GaugeMetricFamily(names.RELOAD_TIME, "When the configuration was read last, in Unix time.", value=at)
        lost = m.log_lines_dropped()
        yield CounterMetricFamily(names.LOG_LINES_DROPPED, "Log lines lost: nobody read the log fast enough.", lost)
        lost = m.spans_dropped()
        yield CounterMetricFamily(names.SPANS_DROPPED, "Spans lost: their collector did not take them in time.", lost)
        lost = m.records_dropped()
        yield CounterMetricFamily(
            names.RECORDS_DROPPED, "Exchanges that should have been recorded, and were not.", lost
        )
        lost = m.usage_dropped()
        yield CounterMetricFamily(names.USAGE_DROPPED, "Records of usage lost: their place did not take them.", lost)


def _budgets(m: Metrics) -> Iterator[Metric]:
    spent = GaugeMetricFamily(
        names.BUDGET_FRACTION, "The part of a budget that is spent, where it is the largest.", labels=("budget",)
    )
    for budget, fraction in m.budget_fractions().items():
        spent.add_metric((budget,), fraction)
    yield spent
    yield _counter(names.BUDGET_ALERTS, "Thresholds reached.", ("budget", "threshold"), m.budget_alerts)
    yield _counter(
        names.MODEL_ALERTS, "Models and strategies that turned bad, or good again.", ("sign", "state"), m.model_alerts
    )
    lost = m.alerts_lost()
    yield CounterMetricFamily(names.ALERTS_LOST, "Alerts that the webhook, or nobody, was told of.", lost)


def _counter(name: str, text: str, labels: tuple[str, ...], counts: Mapping[Labels, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, labels: tuple[str, ...], rows: Mapping[Labels, Buckets]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, row in rows.items():
        bounds = [*(str(bound) for bound in row.bounds), "+Inf"]
        family.add_metric(values, list(zip(bounds, accumulate(row.counts), strict=True)), row.sum)
    return family


def _breakers(rows: Iterable[tuple[str, str, str]]) -> Metric:
    family = GaugeMetricFamily(
        names.BREAKER_STATE, "1 for the state each breaker is in.", labels=("provider", "model", "state")
    )
    for row in rows:
        family.add_metric(row, 1)
    return family


def _targets(rows: Iterable[tuple[str, Labels, float]]) -> Iterable[Metric]:
    who, times = ("provider", "model"), ("provider", "model", "quantile")
    families = {
        names.TARGET_SUCCESS_RATIO: GaugeMetricFamily(
            names.TARGET_SUCCESS_RATIO, "Calls answered, of those of the last five minutes that tell.", labels=who
        ),
        names.TARGET_SECONDS: GaugeMetricFamily(
            names.TARGET_SECONDS, "Time of whole answers in the last five minutes.", labels=times
        ),
        names.TARGET_TTFT_SECONDS: GaugeMetricFamily(
            names.TARGET_TTFT_SECONDS, "Time to the first content in the last five minutes.", labels=times
        ),
    }
    for name, labels, value in rows:
        families[name].add_metric(labels, value)
    return families.values()


class Exposition:
    """Renders `metrics`."""

    def __init__(self, metrics: Metrics) -> None:
        self._families = _Families(metrics)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self._families)

    def render(self, accept: str = "", process: Sequence[Metric] = ()) -> tuple[bytes, str]:
        """The body and its content type for a scraper's Accept header, with what was told of the process."""
        encoder, content_type = choose_encoder(accept)
        self._families.process = process
        return encoder(self._registry), content_type


def process_metrics() -> Sequence[Metric]:
    """Memory, processor time and open files of this process, by the library's own names; empty where the system does
    not tell. Reads files."""
    return list(ProcessCollector(registry=None).collect())
