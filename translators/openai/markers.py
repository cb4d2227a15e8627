"""Cache markers in OpenAI's own form: a breakpoint at the end of a part.

Source: OpenAI's guide on prompt caching and the parts of both its APIs. A breakpoint stands on a text, a picture or a
file; calls, tools and what the Responses API calls output have no place for one. It names the least time the prompt is
kept: half an hour where it says nothing, or 12 hours.
"""

from collections.abc import Mapping

from translators.ir import Json
from translators.profile import Profile
from translators.report import Report

FIELD = "prompt_cache_breakpoint"
LIFETIMES = ("30m", "12h")
_OTHERS = (None, "5m", *LIFETIMES)
"""Lifetimes that a breakpoint keeps, or outlives."""


def read_breakpoint(holder: dict[str, Json]) -> dict[str, Json] | None:
    """A breakpoint as the neutral form has cache markers; its lifetime stays in OpenAI's words."""
    mark = holder.get(FIELD)
    if not isinstance(mark, dict):
        return None
    ttl = mark.get("ttl")
    return {"type": "ephemeral", "ttl": ttl} if ttl in LIFETIMES else {"type": "ephemeral"}


class Markers:
    """The markers of one request, as `profile`'s target takes them. Of those that are left out the first is noted, of
    those that are kept for less long, too."""

    __slots__ = ("_left_out", "_report", "_shortened", "_takes")

    def __init__(self, profile: Profile, report: Report) -> None:
        self._report = report
        self._takes = profile.cache_breakpoints
        self._left_out = False
        self._shortened = False

    def on(self, cache: Mapping[str, Json] | None, path: str, *, text: bool = True) -> dict[str, Json]:
        """What the part at `path` says beside itself."""
        if cache is None:
            return {}
        if self._takes == "none" or (self._takes == "texts" and not text):
            self.leave_out(path)
            return {}
        ttl = cache.get("ttl")
        if ttl not in _OTHERS and not self._shortened:
            self._shortened = True
            self._report.approximated(f"{path}.cache_control", "kept for half an hour or longer")
        return {FIELD: {"mode": "explicit", "ttl": ttl} if ttl in LIFETIMES else {"mode": "explicit"}}

    def leave_out(self, path: str) -> None:
        """A marker on what can bear none."""
        if not self._left_out:
            self._left_out = True
            takes_none = self._takes == "none"
            why = "the model takes no cache markers" if takes_none else "a cache marker has no place there"
            self._report.dropped(f"{path}.cache_control", why)
