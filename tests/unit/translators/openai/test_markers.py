"""Cache markers that are not sent on."""

from translators.openai.markers import Unmarked
from translators.report import Report


def test_only_the_first_marker_that_is_left_out_is_noted():
    report = Report()
    unmarked = Unmarked(report, "nobody reads them")
    unmarked.at("items[1]")
    unmarked.at("items[2].parts[0]")
    assert [(entry.field, entry.why) for entry in report.entries] == [("items[1].cache_control", "nobody reads them")]
