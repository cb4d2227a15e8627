"""Chunks of a completion stream as deltas.

The end is `[DONE]`, or the end of the bytes, after a finish reason for every choice seen. A whole answer is read as a
stream of one chunk.
"""

from collections.abc import Sequence

from translators.faults import ProtocolFault, Truncated
from translators.ir import Delta, Ended, Event, Failed, Finish, Started, TextDelta, Used
from translators.openai.answers import FAILED_FINISHES, decode, guessed, read_finish, read_usage
from translators.openai.faults import classify
from translators.openai_completions.wire import ANSWER, WireAnswer, WireChoice, chat_logprobs
from translators.profile import Profile

CHOICES_CAP = 4096
DONE = b"[DONE]"


class CompletionReader:
    """`quiet` says of the last event that a client need not see it: the end mark, a failure, nothing at all;
    `only_usage` that it had nothing but counts."""

    __slots__ = ("_failed", "_finished", "_profile", "_started", "done", "only_usage", "quiet")

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._finished: dict[int, str] = {}
        """Choice -> its finish reason, empty before it."""
        self._started = False
        self._failed = False
        self.done = False
        self.quiet = False
        self.only_usage = False

    def feed(self, event: Event) -> Sequence[Delta]:
        """Raises ProtocolFault on what is no chunk, and on an answer that goes on after its end."""
        data = event.data
        self.quiet = self.only_usage = False
        if data == DONE or not data or self.done or self._failed:
            self.done = self.done or data == DONE
            self.quiet = True
            return ()
        return self.read(decode(data, ANSWER, "an event of its stream"))

    def read(self, chunk: WireAnswer) -> Sequence[Delta]:
        """Deltas of a chunk, or of a whole answer taken as one."""
        if chunk.error:
            return self._fail(chunk.error)
        deltas: list[Delta] = []
        if not self._started and (chunk.id or chunk.choices):
            self._started = True
            deltas.append(Started(chunk.id or "", chunk.model or ""))
        for choice in chunk.choices or ():
            error = choice.error or (choice.finish_reason if choice.finish_reason in FAILED_FINISHES else None)
            if error:
                return [*deltas, *self._fail(error)]
            self._choice(choice, deltas)
        self.only_usage = not chunk.choices and chunk.usage is not None
        counted = None if chunk.usage is None else read_usage(chunk.usage, self._profile)
        if counted is not None:
            deltas.append(Used(counted))
        return deltas

    def close(self) -> Sequence[Delta]:
        """Raises Truncated unless every choice seen has finished."""
        if self._failed or not self._finished or not all(self._finished.values()):
            raise Truncated("it ended its stream before its answer was finished")
        return ()

    def _fail(self, error: object) -> Sequence[Delta]:
        self._failed = True
        self.quiet = True
        return (Failed(classify(200, {"error": error if isinstance(error, dict) else {"code": error}})),)

    def _choice(self, wire: WireChoice, deltas: list[Delta]) -> None:
        index = wire.index or 0
        if not 0 <= index < CHOICES_CAP:
            raise ProtocolFault("an event of its stream has an impossible choice index")
        finished = self._finished.setdefault(index, "")
        logprobs = chat_logprobs(wire.logprobs)
        if wire.text or (logprobs and logprobs["content"]):
            if finished:
                raise ProtocolFault("its stream goes on after the finish reason")
            deltas.append(TextDelta(wire.text or "", index, logprobs))
        reason = wire.finish_reason
        if reason and not finished:
            self._finished[index] = reason
            lost = guessed(reason)
            if lost is not None:
                deltas.append(lost)
            deltas.append(Ended(read_finish(reason, called=False), index))
        elif reason and reason != finished:
            raise ProtocolFault("its stream has two finish reasons for one choice")


def finish_reason(finish: Finish) -> str:
    """A completion cannot call tools; one whose model tried has simply stopped."""
    return "stop" if finish is Finish.TOOL_CALLS else finish.value
