"""Who is chosen: task x strategy x complexity x what else is known."""

import pytest

from proxy.config.selection import NO_TASK, Levels, Strategy, Task
from proxy.selection.choosing import Deciding, chosen, chosen_vectors, shared_out


def one(name):
    return Levels(name, name, name)


CHEAP = Strategy("cheap", one("fast"), {"parsing": Levels("tiny", "fast", "gpt-4o")}, {"default": "small"})
BALANCED = Strategy("balanced", Levels("fast", "gpt-4o", "strong"), {"letters": one("claude")}, {"search": "docs"})
LETTERS, PARSING, CODING = Task("letters"), Task("parsing"), Task("coding", 0.1, 0.2)


@pytest.mark.parametrize(
    ("strategy", "task", "score", "model", "level"),
    [
        (CHEAP, NO_TASK, 0.0, "fast", "simple"),
        (CHEAP, NO_TASK, 1.0, "fast", "complex"),
        (CHEAP, LETTERS, 0.5, "fast", "standard"),
        (CHEAP, PARSING, 0.1, "tiny", "simple"),
        (CHEAP, PARSING, 0.3, "fast", "standard"),
        (CHEAP, PARSING, 0.7, "gpt-4o", "complex"),
        (BALANCED, NO_TASK, 0.1, "fast", "simple"),
        (BALANCED, NO_TASK, 0.5, "gpt-4o", "standard"),
        (BALANCED, NO_TASK, 0.9, "strong", "complex"),
        (BALANCED, LETTERS, 0.1, "claude", "simple"),
        (BALANCED, LETTERS, 0.9, "claude", "complex"),
        (BALANCED, CODING, 0.05, "fast", "simple"),
        (BALANCED, CODING, 0.15, "gpt-4o", "standard"),
        (BALANCED, CODING, 0.25, "strong", "complex"),
    ],
)
@pytest.mark.parametrize(
    "state", [("active",), ("the request names it",), ("its arm of the experiment rollout", "rollout", "cheap")]
)
def test_the_strategys_entry_for_the_task_and_the_level_decides(strategy, task, score, model, level, state):
    found = chosen(Deciding(strategy, *state), task, score)
    assert (found.model, found.level, found.score) == (model, level, score)
    assert (found.strategy, found.task) == (strategy.name, task.name)
    assert (found.experiment, found.arm) == (state[1:] or ("", ""))
    assert found.reason.startswith(f"strategy {strategy.name} ({state[0]}) has {model} for ")


@pytest.mark.parametrize(
    ("strategy", "task", "score", "why"),
    [
        (CHEAP, NO_TASK, 0.1, "has fast for requests without a task"),
        (CHEAP, LETTERS, 0.1, "has fast for requests of the task letters, which it does not name"),
        (CHEAP, PARSING, 0.12, "has tiny for simple requests (0.12) of the task parsing"),
        (BALANCED, NO_TASK, 0.9, "has strong for complex requests (0.9) without a task"),
        (BALANCED, LETTERS, 0.9, "has claude for requests of the task letters"),
    ],
)
def test_the_reason_says_what_decided(strategy, task, score, why):
    assert chosen(Deciding(strategy, "active"), task, score).reason == f"strategy {strategy.name} (active) {why}"


def test_vectors_are_chosen_by_their_use_and_by_nothing_else():
    found = chosen_vectors(Deciding(BALANCED, "active"), "search")
    assert (found.model, found.score, found.strategy) == ("docs", None, "balanced")
    assert found.reason == "strategy balanced (active) has docs for vectors of the use search"
    assert chosen_vectors(Deciding(BALANCED, "active"), "default") is None


def test_an_experiment_of_models_says_which_part_got_what():
    found = shared_out("newer", "gpt-4o", "strong")
    assert (found.model, found.experiment, found.arm, found.strategy) == ("strong", "newer", "strong", "")
    assert found.reason == "experiment newer has strong for this part of the requests for gpt-4o"
