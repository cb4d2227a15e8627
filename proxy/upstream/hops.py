"""The calls after the first that one attempt makes: an upstream that paused its answer is asked for the rest.

Gemini pauses an answer that is too long for one call, Anthropic a turn in which it runs tools of its own; either says
in its `Continued` how the call before is to be made again. Some upstream might pause for ever, so there are at most
`CALLS_MAX` calls; the answer then ends where it stands, as one that was cut short, which the report tells.

Such a call fails as any other may, and until its first content nothing of it has been told: read aside until then, it
leaves no trace and can be made again (`Beginning`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from translators.codec import Pipe
from translators.ir import Continued, Event, Started, Usage, Used
from translators.report import Report

CALLS_MAX = 8
"""Calls of one attempt, the first included: half a million tokens of Gemini's, and more turns than Anthropic's own
tools take where they work. One that failed and was made again counts once."""
HELD_CAP = 1 << 20
"""Bytes of events without content that are held; with more the rest counts as begun."""


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


class Beginning:
    """The events of a call for the rest up to its first content, held back from the pipe that has read what was before.

    `aside` reads them instead, a pipe of its own that nobody listens to.
    """

    __slots__ = ("_aside", "_held", "_size", "usage")

    def __init__(self, aside: Pipe) -> None:
        self._aside = aside
        self.usage: Usage | None = None
        """What they told so far of the call's counts."""
        self._held: list[Event] = []
        self._size = 0

    def released(self, events: Sequence[Event]) -> Sequence[Event]:
        """Nothing up to the first content; with it, all events so far. Raises Failure for one that tells of a failure,
        ProtocolFault for one that cannot be."""
        for at, event in enumerate(events):
            deltas, _ = self._aside.feed(event)
            self._size += len(event.data)
            self.usage = next((delta.usage for delta in deltas if isinstance(delta, Used)), self.usage)
            if self._size > HELD_CAP or any(not isinstance(delta, (Started, Used)) for delta in deltas):
                return [*self._held, *events[at:]]
            self._held.append(event)
        return ()
