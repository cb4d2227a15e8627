"""The few things the neutral form works out by itself."""

from translators.ir import (
    Ended,
    Finish,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolStart,
    Usage,
    Used,
)
from translators.profile import Origin


def test_the_total_is_input_and_output_since_each_includes_its_parts():
    assert Usage(10, 5, cached=8, cache_write=1, reasoning=4).total == 15


def test_an_origin_is_written_in_one_line():
    assert str(Origin("d", "p", "l", "a")) == "d|p|l|a"


def test_only_content_commits():
    """Thinking commits only where the client's dialect shows it, which its writer knows."""
    content = [TextDelta("a"), ToolStart(0, "i", "n"), Ended(Finish.STOP)]
    other = [Started("i", "m"), ReasoningDelta("a"), Used(Usage(1, 1))]
    assert all(delta.commits for delta in content)
    assert not any(delta.commits for delta in other)
