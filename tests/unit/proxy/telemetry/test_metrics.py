"""What is counted, and under which labels."""

import pytest

from proxy.config.values import Config, EmbeddingRoute, ModelRoute, PassthroughSettings, Provider, Step
from proxy.telemetry.metrics import Buckets, Metrics, configured_names
from translators.ir import Dialect, Usage

ENDED = {"took": 1.0, "added": 0.5, "first": None, "usage": None}


def test_a_histograms_bounds_are_upper_bounds():
    buckets = Buckets((1.0, 2.0))
    for seconds in (0.5, 1.0, 1.5, 2.0, 99.0):
        buckets.observe(seconds)
    assert buckets.counts == [2, 2, 1]
    assert buckets.sum == pytest.approx(104.0)


def test_series_of_fewer_labels_are_the_sum_of_their_exchanges():
    metrics = Metrics(["alpha"], ["m", "n"])
    usage = Usage(input=3, output=4)
    for route, model, status in (("chat", "m", 200), ("chat", "n", 200), ("embeddings", "m", 200), ("chat", "m", 502)):
        metrics.exchange(route, "alpha", model, status, "", took=1.0, added=0.5, first=0.7, usage=usage)
    metrics.exchange("chat", "", "", 401, "invalid_api_key", took=1.0, added=9.0, first=None, usage=None)
    assert {labels: one.sum for labels, one in metrics.request_seconds.items()} == {
        ("chat",): 4.0,
        ("embeddings",): 1.0,
    }
    assert {labels: one.sum for labels, one in metrics.added_seconds.items()} == {("chat",): 1.5, ("embeddings",): 0.5}
    assert {labels: sum(one.counts) for labels, one in metrics.ttft_seconds.items()} == {
        ("alpha", "m"): 3,
        ("alpha", "n"): 1,
    }
    assert metrics.tokens == {
        ("input", "alpha", "m"): 9,
        ("output", "alpha", "m"): 12,
        ("input", "alpha", "n"): 3,
        ("output", "alpha", "n"): 4,
    }


def test_names_that_are_not_configured_count_as_other():
    """No client can grow the number of series."""
    metrics = Metrics(["alpha"], ["m"])
    for n in range(1000):
        usage = Usage(input=1, output=0)
        metrics.exchange("chat", f"p{n}", f"m{n}", 400, f"code{n}", took=1.0, added=1.0, first=1.0, usage=usage)
        metrics.attempt(f"p{n}", f"m{n}", "server")
        metrics.came_late(f"p{n}", f"m{n}")
        metrics.own_error(f"code{n}")
    assert metrics.requests == {("chat", "other", "other", "400", "other"): 1000}
    assert metrics.attempts == {("other", "other", "server"): 1000}
    assert metrics.late == {("other", "other"): 1000}
    assert metrics.tokens == {("input", "other", "other"): 1000, ("output", "other", "other"): 0}
    assert list(metrics.ttft_seconds) == [("other", "other")]
    assert metrics.own_errors == {("other",): 1000}


def test_what_is_configured_or_absent_is_shown_as_it_is():
    metrics = Metrics(["alpha"], ["m"])
    metrics.exchange("chat", "alpha", "m", 200, "", **ENDED)
    metrics.exchange("chat", "", "", 404, "unknown_url", **ENDED)
    assert set(metrics.requests) == {
        ("chat", "alpha", "m", "200", ""),
        ("chat", "", "", "404", "unknown_url"),
    }


def test_the_names_are_those_of_the_configuration():
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "http://x", default_model="d", models={"own": {}})
    models = {name: ModelRoute(name, (Step("alpha", step),)) for name, step in (("*", "*"), ("fast", "f-1"))}
    embeddings = {"vec": EmbeddingRoute("vec", (Step("alpha", "e-1"),))}
    names = configured_names(Config({"alpha": provider}, models, embeddings))
    assert names == ({"alpha"}, {"d", "own", "fast", "f-1", "e-1"})


def test_what_passes_through_has_a_label_where_something_does():
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test")
    assert configured_names(Config({"alpha": provider}, {}, passthrough=PassthroughSettings("alpha")))[1] == {
        "passthrough"
    }
    assert configured_names(Config({"alpha": provider}, {}))[1] == set()


def test_other_names_are_shown_from_then_on_and_what_was_counted_stays():
    metrics = Metrics(["alpha"], ["m"])
    for provider, model in (("alpha", "m"), ("beta", "n")):
        metrics.exchange("chat", provider, model, 200, "", **ENDED)
    metrics.name(["beta"], ["n"])
    for provider, model in (("alpha", "x"), ("beta", "n")):
        metrics.exchange("chat", provider, model, 200, "", **ENDED)
    assert metrics.requests == {
        ("chat", "alpha", "m", "200", ""): 1,
        ("chat", "other", "other", "200", ""): 2,
        ("chat", "beta", "n", "200", ""): 1,
    }


def test_exchanges_that_nobody_answered_are_counted_alike_one_by_one_and_by_the_dozen():
    metrics = Metrics()
    for _ in range(2):
        metrics.exchange("chat", "", "", 503, "overloaded", took=0.2, added=0.2, first=None, usage=None)
        metrics.unanswered("chat", 503, "overloaded")(0.4)
    assert metrics.requests == {("chat", "", "", "503", "overloaded"): 4}
    assert metrics.request_seconds["chat",].sum == pytest.approx(1.2)
    assert not metrics.added_seconds
