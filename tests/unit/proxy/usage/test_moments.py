"""Moments as people type them."""

import pytest

from proxy.usage.moments import FORMS, moment, told

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", NOW - 7 * 86_400),
        ("24h", NOW - 86_400),
        ("90m", NOW - 5400),
        ("30s", NOW - 30),
        ("2w", NOW - 14 * 86_400),
        ("2023-11-14", 1_699_920_000.0),
        ("2023-11-14T22:13", 1_699_999_980.0),
        ("2023-11-14 22:13:20", NOW),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
    ],
)
def test_a_day_a_time_and_how_long_ago_are_moments(text, at):
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["", "yesterday", "7", "-7d", "7 d", "2023-13-01", "9999999d", "7y"])
def test_anything_else_is_told_with_what_is_known(text):
    with pytest.raises(ValueError) as caught:
        moment(text, NOW)
    assert str(caught.value) == f"must be {FORMS}"


def test_a_moment_is_told_in_utc_to_the_millisecond():
    assert told(NOW) == "2023-11-14T22:13:20.000Z"
    assert told(NOW + 0.25) == "2023-11-14T22:13:20.250Z"
    assert moment(told(NOW + 0.25), 0.0) == NOW + 0.25
