"""Names that leave a model open, levels of a task, and what a selection may come to."""

import pytest

from proxy.config.selection import Levels, Task, leaves_open, named_in


@pytest.mark.parametrize(
    ("model", "opens", "name"),
    [("auto", True, ""), ("auto/", True, ""), ("auto/letters", True, "letters"), ("auto/a/b", True, "a/b")],
)
def test_auto_leaves_the_model_open_and_may_say_the_task(model, opens, name):
    assert (leaves_open(model), named_in(model)) == (opens, name)


@pytest.mark.parametrize("model", ["", "aut", "automatic", "Auto", "openrouter/auto", "auto-1"])
def test_any_other_name_is_a_model(model):
    assert not leaves_open(model)


@pytest.mark.parametrize(
    ("score", "level"), [(0.0, "simple"), (0.29, "simple"), (0.3, "standard"), (0.69, "standard"), (0.7, "complex")]
)
def test_a_tasks_thresholds_say_the_level(score, level):
    assert Task("t").level(score) == level
    assert Levels("simple", "standard", "complex").of(Task("t").level(score)) == level
