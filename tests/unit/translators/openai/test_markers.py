"""Cache markers in OpenAI's own form, and what becomes of those that cannot be."""

import pytest

from translators.openai.markers import Markers, read_breakpoint
from translators.profile import Profile
from translators.report import Report

TAKES = Profile(cache_breakpoints="parts")


@pytest.mark.parametrize(
    ("mark", "marker"),
    [
        (None, None),
        ("explicit", None),
        ({"mode": "explicit"}, {"type": "ephemeral"}),
        ({"mode": "explicit", "ttl": "30m"}, {"type": "ephemeral", "ttl": "30m"}),
        ({"mode": "explicit", "ttl": "12h"}, {"type": "ephemeral", "ttl": "12h"}),
        ({"mode": "explicit", "ttl": 7}, {"type": "ephemeral"}),
    ],
)
def test_a_breakpoint_is_a_cache_marker_with_its_own_lifetime(mark, marker):
    assert read_breakpoint({"prompt_cache_breakpoint": mark}) == marker


@pytest.mark.parametrize(
    ("cache", "mark"),
    [
        ({"type": "ephemeral"}, {"mode": "explicit"}),
        ({"type": "ephemeral", "ttl": "5m"}, {"mode": "explicit"}),
        ({"type": "ephemeral", "ttl": "30m"}, {"mode": "explicit", "ttl": "30m"}),
        ({"type": "ephemeral", "ttl": "12h"}, {"mode": "explicit", "ttl": "12h"}),
    ],
)
def test_a_marker_is_a_breakpoint_that_lives_at_least_as_long(cache, mark):
    report = Report()
    assert Markers(TAKES, report).on(cache, "items[0].parts[0]") == {"prompt_cache_breakpoint": mark}
    assert report.entries == []


def test_a_marker_that_would_live_longer_is_told_once():
    report = Report()
    markers = Markers(TAKES, report)
    for at in range(2):
        said = markers.on({"type": "ephemeral", "ttl": "1h"}, f"items[{at}]")
        assert said == {"prompt_cache_breakpoint": {"mode": "explicit"}}
    assert report.header() == "approximated=items[0].cache_control"


def test_only_the_first_marker_that_is_left_out_is_noted():
    report = Report()
    markers = Markers(Profile(), report)
    assert markers.on(None, "items[0]") == {}
    assert markers.on({"type": "ephemeral"}, "items[1].parts[0]") == {}
    markers.leave_out("items[2]")
    noted = [(entry.field, entry.why) for entry in report.entries]
    assert noted == [("items[1].parts[0].cache_control", "the model takes no cache markers")]


def test_a_marker_on_what_bears_none_says_so():
    report = Report()
    Markers(TAKES, report).leave_out("items[1]")
    assert report.entries[0].why == "a cache marker has no place there"


def test_a_model_that_takes_them_on_texts_alone_is_sent_none_on_others():
    report = Report()
    markers = Markers(Profile(cache_breakpoints="texts"), report)
    assert markers.on({"type": "ephemeral"}, "items[0].parts[0]") == {"prompt_cache_breakpoint": {"mode": "explicit"}}
    assert markers.on({"type": "ephemeral"}, "items[0].parts[1]", text=False) == {}
    assert report.header() == "dropped=items[0].parts[1].cache_control"
