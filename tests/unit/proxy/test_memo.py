"""What a function gave, remembered."""

import pytest

from proxy.memo import Memo


def test_what_was_made_is_made_once():
    asked = []
    memo = Memo(lambda key: asked.append(key) or key.upper(), 8)
    assert [memo["a"], memo["b"], memo["a"]] == ["A", "B", "A"]
    assert asked == ["a", "b"]


def test_no_more_than_its_cap_is_kept():
    memo = Memo(lambda key: -key, 3)
    for key in range(100):
        assert memo[key] == -key
        assert len(memo) <= 3


def test_what_could_not_be_made_is_asked_for_again():
    memo = Memo(int, 8)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            memo["x"]
    assert not memo
