"""How far a budget is, as programs read it."""

import json

import msgspec
import pytest

from proxy.budgets.shown import read

ROW = {
    "budget": "b", "scope": {}, "unit": "usd", "limit": "5", "spent": "1.5", "reserved": "0.25", "lost": "1",
    "fraction": 0.3, "window": "day", "window_end": None, "mode": "hard", "when_spent": "reject",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, "2.25"),
        ({"reserved": "0.000000001"}, "2.499999999"),
        ({"spent": "9"}, "0"),
        ({"unit": "tokens", "limit": 10, "spent": 3, "reserved": 2, "lost": 1}, 4),
        ({"unit": "requests", "limit": 10, "spent": 13, "reserved": 2, "lost": 1}, 0),
    ],
)
def test_what_is_left_is_neither_spent_nor_reserved_nor_lost(fields, left):
    (found,) = read(json.dumps({"budgets": [ROW | fields], "store": "ok"}).encode()).budgets
    assert found.left == left


def test_another_page_is_none():
    with pytest.raises(msgspec.DecodeError):
        read(b'{"targets": []}')
