"""The calls after the first that one attempt makes: an upstream that paused its answer is asked for the rest.

Gemini pauses an answer that is too long for one call, Anthropic a turn in which it runs tools of its own; either says
in its `Continued` how the call before is to be made again. Some upstream might pause for ever, so there are at most
`CALLS_MAX` calls; the answer then ends where it stands, as one that was cut short, which the report tells.
"""

from collections.abc import Mapping
from typing import Any

from translators.ir import Continued
from translators.report import Report

CALLS_MAX = 8
"""Calls of one attempt, the first included: half a million tokens of Gemini's, and more turns than Anthropic's own
tools take where they work."""


class Hops:
    """The bodies of these calls, each made out of the one before."""

    __slots__ = ("_fields", "_left", "_report")

    def __init__(self, fields: Mapping[str, Any], report: Report) -> None:
        self._fields = fields
        self._left = CALLS_MAX - 1
        self._report = report

    def following(self, pause: Continued) -> Mapping[str, Any] | None:
        """The body that asks for the rest; None where no call is left."""
        if not self._left:
            self._report.clamped("answer", f"the provider paused it {CALLS_MAX} times")
            return None
        self._left -= 1
        grown = {name: [*(self._fields.get(name) or ()), *more] for name, more in pause.appended.items()}
        self._fields = {**self._fields, **pause.fields, **grown}
        return self._fields
