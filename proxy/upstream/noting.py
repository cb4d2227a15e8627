"""What an answer says of itself, noted for its exchange's trace: the model's own name, and how each choice ended.

Nothing here runs for an exchange without a trace.
"""

from collections.abc import Sequence

from proxy.tracing import Trace
from translators.codec import Around, Pipe, Seen
from translators.ir import Delta, Ended, Reply, Started


def note(trace: Trace, answer: Reply | Seen | None) -> None:
    """Of a whole answer."""
    if isinstance(answer, Seen):
        trace.told(answer.model, () if answer.finish is None else (answer.finish.value,))
    elif answer is not None:
        trace.told(answer.model, [choice.finish.value for choice in answer.choices])


def noting(pipe: Pipe, trace: Trace | None) -> Pipe:
    """The pipe of a streamed answer, watched where there is a trace."""
    return pipe if trace is None else Noting(pipe, trace)


class Noting(Around):
    """Tells a trace what the deltas of an answer say of it."""

    __slots__ = ("_trace",)

    def __init__(self, pipe: Pipe, trace: Trace) -> None:
        super().__init__(pipe)
        self._trace = trace

    def hear(self, deltas: Sequence[Delta], _: bytes) -> None:
        for delta in deltas:
            if isinstance(delta, Ended):
                self._trace.told("", (delta.finish.value,))
            elif isinstance(delta, Started):
                self._trace.told(delta.model, ())
