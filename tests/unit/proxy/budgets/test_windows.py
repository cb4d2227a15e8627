"""Windows follow a calendar, without gaps and without overlaps."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.budgets.windows import span_of

WINDOWS = ("minute", "hour", "day", "month")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("minute", "2026-11-21T14:05:00", "2026-11-21T14:06:00"),
        ("hour", "2026-11-21T14:00:00", "2026-11-21T15:00:00"),
        ("day", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("month", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_a_window_is_the_calendars_own(window, start, end, zone):
    span = span_of(window, zone, at("2026-11-21T14:05:37", zone))
    assert (span.start, span.end) == (at(start, zone), at(end, zone))


def test_a_day_on_which_the_clock_is_put_back_has_25_hours():
    span = span_of("day", "Europe/Berlin", at("2026-10-25T12:00:00", "Europe/Berlin"))
    assert span.end - span.start == 25 * 3600
    assert span.id == "2026-10-25"


def test_december_is_followed_by_january():
    span = span_of("month", "UTC", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
    assert span.id == "2026-12"
    assert span.end == datetime(2027, 1, 1, tzinfo=UTC).timestamp()


@given(st.integers(0, 4_000_000_000), st.sampled_from(WINDOWS), st.sampled_from(ZONES))
def test_every_moment_lies_in_one_window_and_the_next_begins_where_it_ends(moment, window, zone):
    span = span_of(window, zone, moment)
    assert span.start <= moment < span.end
    assert span_of(window, zone, span.start).id == span.id
    following = span_of(window, zone, span.end)
    assert following.id != span.id
    assert following.start <= span.end < following.end
