"""What clients are told of their rates, in the forms that their SDKs read."""

from datetime import UTC, datetime

import pytest

from proxy.budgets.telling import NANOS, Level, crowded, duration, headers, pressing, refusal
from translators.ir import Dialect

SECOND = NANOS


@pytest.mark.parametrize(
    ("nanos", "told"),
    [
        (0, "0s"),
        (1, "1ms"),
        (20_000_000, "20ms"),
        (999_000_001, "1s"),
        (1_500_000_000, "1.5s"),
        (59_999_999_999, "1m0s"),
        (360 * SECOND, "6m0s"),
        (179_560_000_000, "2m59.56s"),
        (3_600 * SECOND, "1h0m0s"),
    ],
)
def test_a_length_of_time_is_told_as_openais_clients_read_it(nanos, told):
    assert duration(nanos) == told


def test_openais_clients_are_told_by_their_headers():
    assert headers(Dialect.OPENAI_CHAT, "requests", Level(60, 59, SECOND), 0.0) == [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"),
    ]


def test_anthropics_clients_are_told_by_theirs_with_a_moment():
    wall = datetime(2026, 11, 21, 20, 0, 0, tzinfo=UTC).timestamp()
    told = headers(Dialect.ANTHROPIC_MESSAGES, "tokens", Level(1000, 0, 90 * SECOND), wall)
    assert told == [
        ("anthropic-ratelimit-tokens-limit", "1000"),
        ("anthropic-ratelimit-tokens-remaining", "0"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-21T20:01:30Z"),
    ]


@pytest.mark.parametrize(("wall", "reset", "second"), [(0.25, 0, "01"), (0.5, SECOND // 2, "01"), (0.0, 1, "01")])
def test_the_moment_is_never_before_all_is_there_again(wall, reset, second):
    told = dict(headers(Dialect.ANTHROPIC_MESSAGES, "tokens", Level(1, 0, reset), wall))
    assert told["anthropic-ratelimit-tokens-reset"] == f"1970-01-01T00:00:{second}Z"


def test_the_most_pressing_is_the_one_with_the_smallest_part_left():
    small, large = Level(10, 5, 1), Level(1000, 400, 1)
    assert pressing([small, large]) == large
    assert pressing([Level(10, 5, 1), Level(10, 5, 9)]) == Level(10, 5, 9)
    assert pressing([]) is None


def test_a_refusal_says_what_is_allowed_and_when():
    told = refusal("daily (user alice)", "60 requests a minute", 1_500_000_000)
    assert (told.fault.status, told.fault.code) == (429, "rate_limit_exceeded")
    assert told.fault.message == ("The rate limit daily (user alice) allows 60 requests a minute; try again in 1.5s.")
    assert (told.retry_after_s, told.should_retry) == (1.5, True)


def test_nobody_is_told_to_wait_longer_than_clients_do():
    assert refusal("r", "1 token a minute", 121 * SECOND).should_retry is False


def test_what_never_fits_is_not_tried_again():
    told = refusal("r", "10 tokens a minute", None)
    assert (told.retry_after_s, told.should_retry) == (None, False)
    assert "this request alone is more" in told.fault.message


def test_where_too_many_are_under_way_a_second_may_help():
    told = crowded("r", 1)
    assert (told.retry_after_s, told.should_retry) == (1.0, True)
    assert "allows 1 request at once" in told.fault.message
