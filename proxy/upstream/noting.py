"""What an answer says of itself, noted for its exchange's trace: the model's own name, and how each choice ended.

Nothing here runs for an exchange without a trace.
"""

from collections.abc import Callable, Sequence

from proxy.tracing import Trace
from translators.codec import Pipe, Seen
from translators.faults import Fault
from translators.ir import Delta, Ended, Event, Reply, Started


def note(trace: Trace, answer: Reply | Seen | None) -> None:
    """Of a whole answer."""
    if isinstance(answer, Seen):
        trace.told(answer.model, () if answer.finish is None else (answer.finish.value,))
    elif answer is not None:
        trace.told(answer.model, [choice.finish.value for choice in answer.choices])


def noting(pipe: Pipe, trace: Trace | None) -> Pipe:
    """The pipe of a streamed answer, watched where there is a trace."""
    return pipe if trace is None else Noting(pipe, trace)


class Noting:
    """Implements `translators.codec.Pipe` around another one."""

    __slots__ = ("_pipe", "_trace", "fault", "shows")

    def __init__(self, pipe: Pipe, trace: Trace) -> None:
        self._pipe = pipe
        self._trace = trace
        self.fault: Callable[[Fault], bytes] = pipe.fault
        self.shows: Callable[[Delta], bool] = pipe.shows

    @property
    def done(self) -> bool:
        return self._pipe.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        told = self._pipe.feed(event)
        self._note(told[0])
        return told

    def close(self) -> tuple[Sequence[Delta], bytes]:
        told = self._pipe.close()
        self._note(told[0])
        return told

    def _note(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            if isinstance(delta, Ended):
                self._trace.told("", (delta.finish.value,))
            elif isinstance(delta, Started):
                self._trace.told(delta.model, ())
