"""What an answer says of itself, noted for its exchange's trace: the model's own name, and how each choice ended; and
how it ended for whoever learns of its quality.

Nothing here runs for an exchange without a trace, of which nothing is learned.
"""

from collections.abc import Sequence

from proxy.flow import Signs
from proxy.tracing import Trace
from translators.codec import Around, Pipe, Seen
from translators.ir import Delta, Ended, Message, Refusal, RefusalDelta, Reply, Started


def note(trace: Trace, answer: Reply | Seen | None) -> None:
    """Of a whole answer."""
    if isinstance(answer, Seen):
        trace.told(answer.model, () if answer.finish is None else (answer.finish.value,))
    elif answer is not None:
        trace.told(answer.model, [choice.finish.value for choice in answer.choices])


def sign(signs: Signs, answer: Reply | Seen | None) -> None:
    """How a whole answer ended. One that is relayed is not read for a refusal, only for how it ended."""
    if isinstance(answer, Seen):
        if answer.finish is not None:
            signs.finishes.append(answer.finish)
    elif answer is not None:
        for choice in answer.choices:
            signs.finishes.append(choice.finish)
            signs.declined = signs.declined or any(
                isinstance(part, Refusal) for item in choice.items if isinstance(item, Message) for part in item.parts
            )


def hear(signs: Signs, delta: Delta) -> None:
    """The same of a stream."""
    if isinstance(delta, Ended):
        signs.finishes.append(delta.finish)
        signs.declined = signs.declined or delta.declined
    elif isinstance(delta, RefusalDelta):
        signs.declined = True


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
