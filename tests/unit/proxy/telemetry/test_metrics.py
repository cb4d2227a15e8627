"""What is counted, and under which labels."""

import pytest

from proxy.config.values import Config, EmbeddingRoute, ModelRoute, PassthroughSettings, Provider, Step
from proxy.telemetry.metrics import Counter, Histogram, Metrics, configured_names
from translators.ir import Dialect


def test_a_counter_adds_up_by_labels():
    counter = Counter()
    counter.add(("a",))
    counter.add(("a",), 4)
    counter.add(("b",), 0)
    assert counter.counts == {("a",): 5, ("b",): 0}


def test_a_histograms_bounds_are_upper_bounds():
    histogram = Histogram((1.0, 2.0))
    for seconds in (0.5, 1.0, 1.5, 2.0, 99.0):
        histogram.observe(("a",), seconds)
    assert histogram.rows == {("a",): [2, 2, 1]}
    assert histogram.sums == {("a",): pytest.approx(104.0)}


def test_names_that_are_not_configured_count_as_other():
    """No client can grow the number of series."""
    metrics = Metrics(["alpha"], ["m"])
    for n in range(1000):
        metrics.request("chat", f"p{n}", f"m{n}", 400, f"code{n}")
        metrics.attempt(f"p{n}", f"m{n}", "server")
        metrics.tokens("input", f"p{n}", f"m{n}", 1)
        metrics.first_token(f"p{n}", f"m{n}", 1.0)
        metrics.own_error(f"code{n}")
    assert metrics.requests.counts == {("chat", "other", "other", "400", "other"): 1000}
    assert metrics.attempts.counts == {("other", "other", "server"): 1000}
    assert metrics.token_counts.counts == {("input", "other", "other"): 1000}
    assert list(metrics.ttft_seconds.rows) == [("other", "other")]
    assert metrics.own_errors.counts == {("other",): 1000}


def test_what_is_configured_or_absent_is_shown_as_it_is():
    metrics = Metrics(["alpha"], ["m"])
    metrics.request("chat", "alpha", "m", 200, None)
    metrics.request("chat", "", "", 404, "unknown_url")
    assert set(metrics.requests.counts) == {
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
