"""Limits as people read them; a whole configuration's are in test_check.py."""

import pytest

from proxy.cli.spending import whom


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ({}, "all"),
        ({"user": "*"}, "each user"),
        ({"team": "research", "user": "*"}, "team research, each user"),
    ],
)
def test_whom_a_limit_concerns_is_told_in_words(scope, told):
    assert whom(scope) == told
