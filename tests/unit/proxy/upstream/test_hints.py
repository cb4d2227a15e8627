"""How long an upstream asks to be left alone."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.upstream.hints import wait_hint

WALL = 1_790_000_000.0
"""Mon, 21 Sep 2026 14:13:20 GMT."""


def hint(*headers, status=429, vendor="openai", wall=WALL):
    return wait_hint(list(headers), status, vendor, wall)


def test_nothing_asked_is_no_wait():
    assert hint() is None


def test_seconds_whole_and_broken():
    assert hint(("retry-after", "7")) == 7
    assert hint(("retry-after", " 0.5 ")) == 0.5


def test_milliseconds_count_before_seconds():
    assert hint(("retry-after", "7"), ("retry-after-ms", "250")) == 0.25


def test_zero_milliseconds_say_nothing():
    assert hint(("retry-after-ms", "0"), ("retry-after", "7")) == 7


def test_zero_seconds_are_no_wait():
    assert hint(("retry-after", "0")) is None


def test_a_date_is_measured_against_our_clock():
    assert hint(("retry-after", "Mon, 21 Sep 2026 14:13:50 GMT")) == 30


def test_a_date_is_measured_against_the_servers_clock_where_it_tells_it():
    """Two clocks an hour apart do not turn half a minute into an hour."""
    sent = ("date", "Mon, 21 Sep 2026 15:13:20 GMT")
    assert hint(("retry-after", "Mon, 21 Sep 2026 15:13:50 GMT"), sent) == 30


def test_a_date_gone_by_is_no_wait():
    assert hint(("retry-after", "Mon, 21 Sep 2026 14:13:00 GMT")) is None


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-1", "1e9", "3601", "soon", "", "9" * 400, "Mon, 99 Sep 2026 14:13:00 GMT", "\u0663"]
)
def test_what_is_no_sensible_wait_is_ignored(text):
    assert hint(("retry-after", text)) is None


@pytest.mark.parametrize("text", ["nan", "-1", "3600001", "9" * 400, ""])
def test_milliseconds_that_are_no_sensible_wait_are_ignored(text):
    assert hint(("retry-after-ms", text)) is None


def test_an_hour_is_the_longest_wait():
    assert hint(("retry-after", "3600")) == 3600


def test_a_good_answer_asks_for_nothing():
    assert hint(("retry-after", "7"), status=200) is None
    assert hint(("retry-after", "7"), status=503) == 7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360), ("12ms", 0.012), ("1s", 1), ("1m2.5s", 62.5), ("7.66s", 7.66), ("59m59s999ms", 3599.999)],
)
@pytest.mark.parametrize("vendor", ["openai", "groq", ""])
def test_a_duration_of_an_exhausted_dimension(text, seconds, vendor):
    got = hint(("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", text), vendor=vendor)
    assert got == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["60", "", "s", "6m0", "-1s", "1h0m1s", "1d", "5 s"])
def test_a_duration_without_a_unit_or_above_the_hour_says_nothing(text):
    assert hint(("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", text)) is None


def test_only_the_exhausted_dimension_counts():
    headers = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "2s"),
        ("x-ratelimit-remaining-tokens", "149"),
        ("x-ratelimit-reset-tokens", "50m"),
    ]
    assert hint(*headers) == 2
    assert hint(headers[1], headers[3]) is None


def test_of_two_exhausted_dimensions_the_longer_counts():
    assert (
        hint(
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "2s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "4s"),
        )
        == 4
    )


def test_retry_after_counts_before_a_reset():
    headers = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "50s"), ("retry-after", "3")]
    assert hint(*headers) == 3


def test_anthropic_resets_are_times():
    headers = [
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-09-21T14:13:35Z"),
        ("anthropic-ratelimit-requests-remaining", "10"),
        ("anthropic-ratelimit-requests-reset", "2026-09-21T14:14:35Z"),
    ]
    assert hint(*headers, vendor="anthropic") == 15


def test_an_anthropic_time_without_a_zone_is_utc_and_a_broken_one_is_ignored():
    left = ("anthropic-ratelimit-tokens-remaining", "0")
    assert hint(left, ("anthropic-ratelimit-tokens-reset", "2026-09-21T14:13:35"), vendor="anthropic") == 15
    assert hint(left, ("anthropic-ratelimit-tokens-reset", "tomorrow"), vendor="anthropic") is None
    assert hint(left, vendor="anthropic") is None


def test_openrouter_resets_are_epoch_milliseconds():
    headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", f"{WALL * 1000 + 9500:.0f}")]
    assert hint(*headers, vendor="openrouter") == pytest.approx(9.5)
    assert hint(headers[1], vendor="openrouter") is None


def test_azure_integers_say_nothing():
    headers = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "12")]
    assert hint(*headers, vendor="azure-openai") is None
    assert (
        hint(("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "12s"), vendor="azure-openai") is None
    )


def test_the_first_of_repeated_headers_counts():
    assert hint(("retry-after", "3"), ("retry-after", "9")) == 3


NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "date",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ]
)
VALUES = (
    st.sampled_from(["0", "nan", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "Mon, 01 Jan 0001 00:00:00 GMT"])
    | st.text(max_size=20)
    | st.floats().map(str)
    | st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
)


@given(
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=8),
    vendor=st.sampled_from(["openai", "anthropic", "openrouter", "azure-openai", ""]),
)
@settings(max_examples=60)
def test_any_headers_give_no_wait_or_a_sensible_one(headers, vendor):
    got = wait_hint(headers, 429, vendor, WALL)
    assert got is None or (math.isfinite(got) and 0 < got <= 3600)


def test_a_vendors_models_in_another_cloud_keep_its_headers():
    headers = (
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-09-21T14:13:29Z"),
    )
    waits = {vendor: hint(*headers, vendor=vendor) for vendor in ("anthropic", "anthropic-vertex", "anthropic-foundry")}
    assert set(waits.values()) == {9.0}
    resets = (("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "12s"))
    assert hint(*resets, vendor="azure-foundry") is None
