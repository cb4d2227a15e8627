"""When it is told that a model fares badly, as a file says it."""

import pytest

from proxy.config.spending import NANOS, Marks, Watched


def alerts(load_text, text):
    return load_text(text).config.spending.alerts


def test_nothing_is_watched_unless_it_is_asked_for(load_text):
    found = alerts(load_text, "")
    assert (found.models, found.strategies) == (None, None)


def test_a_section_asks_for_the_usual_marks(load_text):
    found = alerts(load_text, "[alerts.models]")
    assert (found.models, found.strategies) == (Watched(Marks()), None)
    assert found.models.of("any") == Marks(5.0, 0.05, 0.8, None, 0.8, 50, 300.0)


def test_one_model_or_strategy_may_differ_in_some(load_text):
    text = """
[alerts.models]
p95_s = 8
minimum = 20
[alerts.models.only."gpt-4o"]
p95_s = 2.5
daily_usd = "12.5"
[alerts.strategies]
window_s = 60
[alerts.strategies.only.balanced]
quality = 0.9
cost_fraction = 0.5
"""
    found = alerts(load_text, text)
    assert found.models.of("gpt-4o") == Marks(p95_s=2.5, minimum=20, daily=25 * NANOS // 2)
    assert found.models.of("other") == Marks(p95_s=8.0, minimum=20)
    assert found.strategies.of("balanced") == Marks(window_s=60.0, quality=0.9, cost_fraction=0.5)
    assert found.strategies.of("other") == Marks(window_s=60.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p95_s = -1", "models.p95_s: must be at least 0 and at most 86400"),
        ("failure_ratio = 1.5", "models.failure_ratio: must be at least 0 and at most 1"),
        ("quality = nan", "models.quality: must be at least 0 and at most 1"),
        ("daily_usd = 0", "models.daily_usd: must be more than 0"),
        ("minimum = 0", "models.minimum: must be at least 1 and at most 200"),
        ("minimum = 2.5", "models.minimum: must be a whole number"),
        ("window_s = 5", "models.window_s: must be at least 10 and at most 3600"),
        ("p95 = 5", 'models.p95: is not a known key; did you mean "p95_s"?'),
        ("[alerts.models.only.m]\nquality = 2", "models.only.m.quality: must be at least 0 and at most 1"),
        ("[alerts.models.only.m]\nqualty = 1", "models.only.m.qualty: is not a known key"),
        ("only = 1", "models.only: must be a table"),
    ],
)
def test_every_mistake_has_its_path(mistakes, text, message):
    [one] = mistakes(f"[alerts.models]\n{text}")
    assert one.startswith(f"config.toml: alerts.{message}"), one
