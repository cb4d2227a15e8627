"""Same-dialect streaming: Gemini's events to a Gemini client as they came, watched by a reader.

Events pass unchanged, so tomorrow's fields do too; only signed parts get the mark that brings them back to their
maker. An error does not pass: what it says is the provider's, and the proxy tells its own after deciding whether
another target may answer. Nor does an answer that is to be continued end: its reason is the proxy's business.
"""

from collections.abc import Sequence

import orjson

from translators import sse
from translators.faults import Fault
from translators.gemini.answer import loaded
from translators.gemini.faults import render_fault
from translators.gemini.reader import Reader
from translators.gemini.reply import candidate, marked_body
from translators.gemini.wire import CONTINUATION, DIALECT
from translators.ir import Continued, Delta, Ended, Event, Failed, ReasoningDelta
from translators.profile import Profile


class Relay:
    """Implements `translators.codec.Pipe`."""

    __slots__ = ("_origin", "_reader")

    def __init__(self, profile: Profile) -> None:
        self._reader = Reader(profile)
        self._origin = profile.origin(DIALECT)

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault as the reader does. What comes after the end is not passed on."""
        if self._reader.done:
            return self._reader.feed(event), b""
        deltas = self._reader.feed(event)
        if deltas and type(deltas[-1]) is Failed:
            return deltas, b""
        data = marked_body(event.data, self._origin) or event.data
        if any(type(delta) is Continued for delta in deltas):
            data = _paused(data)
        return deltas, sse.encode(data)

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """A pause that was not followed up is told as a cut."""
        deltas = self._reader.close()
        ends = [candidate(one.choice, [], one.finish, None) for one in deltas if isinstance(one, Ended)]
        return deltas, sse.encode(orjson.dumps({"candidates": ends})) if ends else b""

    def fault(self, fault: Fault) -> bytes:
        return sse.encode(render_fault(fault)[1])

    def shows(self, delta: Delta) -> bool:
        """The client sees everything, thinking included."""
        return delta.commits or isinstance(delta, ReasoningDelta)


def _paused(data: bytes) -> bytes:
    """The event without the finish reason and the token that ask for the rest."""
    value = loaded(data)
    for answer in value if isinstance(value, list) else [value]:
        for one in answer.get("candidates") or ():
            if one.get("finishReason") == CONTINUATION:
                del one["finishReason"]
                one.pop("continuationToken", None)
    return orjson.dumps(value)
