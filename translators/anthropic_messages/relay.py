"""Same-dialect streaming: Anthropic's events to an Anthropic client as they came, watched by a reader.

Names and data pass unchanged, so tomorrow's events do too. An error event does not: what it says is the provider's,
and the proxy tells its own after deciding whether another target may answer.
"""

from collections.abc import Sequence

from translators import sse
from translators.anthropic_messages.events_in import Reader
from translators.anthropic_messages.faults import error_event
from translators.faults import Fault
from translators.ir import Delta, Event, Failed, ReasoningDelta
from translators.profile import Profile


class Relay:
    """Implements `translators.codec.Pipe`."""

    __slots__ = ("_reader",)

    def __init__(self, profile: Profile) -> None:
        self._reader = Reader(profile)

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault as the reader does. What comes after the end is not passed on, however it was cut."""
        if self._reader.done:
            return self._reader.feed(event), b""
        deltas = self._reader.feed(event)
        if deltas and type(deltas[-1]) is Failed:
            return deltas, b""
        return deltas, sse.encode(event.data, event.name)

    def close(self) -> tuple[Sequence[Delta], bytes]:
        return self._reader.close(), b""

    def fault(self, fault: Fault) -> bytes:
        return sse.encode(error_event(fault), "error")

    def shows(self, delta: Delta) -> bool:
        """The client sees everything, thinking included."""
        return delta.commits or isinstance(delta, ReasoningDelta)
