"""Thinking bounded in tokens, as an effort."""

import pytest

from translators.openai.effort import effort_of


@pytest.mark.parametrize(
    ("budget", "effort"),
    [
        (1, "minimal"),
        (1024, "minimal"),
        (1025, "low"),
        (4096, "low"),
        (12288, "medium"),
        (24576, "high"),
        (24577, "xhigh"),
    ],
)
def test_a_budget_counts_as_the_least_effort_that_holds_it(budget, effort):
    assert effort_of(budget) == effort
