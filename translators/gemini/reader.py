"""Gemini's events, and its whole answers taken as one event, read as deltas.

An event is an answer as far as it has come: new parts per candidate, a running total of usage, and at the end a finish
reason. There is no other end mark, so a stream whose candidates have no finish reason was cut.

Deliberate choices:
- A prompt that was blocked leaves an answer without candidates. That is a fault of kind CONTENT, streamed or not: the
  proxy holds its answer back until the first content, so a client gets a clear 400 either way, the configuration may
  send the prompt elsewhere, and a stream says what its whole twin says. A block in mid-answer ends it as filtered.
- Finish reasons that say the model stumbled are failures, to be tried again, never an empty stop.
- A signature rides on the part it came with: a call, a thought, or the text since the last other part.
- A call without an id gets one made of the answer's id and its place, so that the same answer has the same ids.
- `CONTINUATION` becomes `Continued`; the next answer's events are fed to the same reader. Outputs are added up, and the
  first request's input stays the conversation's size. Where there are several candidates each has a token of its own,
  and a call takes one: they end there, as answers that were cut.
- Parts of Gemini's own tools (searches, code) and media are `Kept` whole; a picture is shown by who can.
"""

import hashlib
from collections.abc import Sequence

from msgspec import Raw, structs

from translators.faults import Fault, Kind, ProtocolFault, Truncated
from translators.gemini.answer import (
    WireAnswer,
    WireCall,
    WireCandidate,
    WirePart,
    decode,
    decode_part,
    loaded,
    logprobs,
    says_only,
    words,
)
from translators.gemini.faults import parse_fault
from translators.gemini.grounding import Ruler, WireGrounding, citations, queries
from translators.gemini.media import made_picture
from translators.gemini.partial import Assembly
from translators.gemini.wire import (
    CONTINUATION,
    DECLINED,
    DIALECT,
    FAILED_FINISHES,
    FINISHES,
    MINTED,
    SWITCHED_OFF_FINISH,
    UNSIGNED_FINISH,
    finish_reason,
    free_text,
    marked,
    written,
)
from translators.ir import (
    Annotated,
    Continued,
    Delta,
    Ended,
    Event,
    Failed,
    Finish,
    Foreign,
    Kept,
    Lost,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)
from translators.joined import resumed
from translators.profile import Profile
from translators.repeats import Repeats

CHOICES_CAP = 128
_NOTHING: tuple[Delta, ...] = ()


class Reader:
    """Events of one answer -> deltas."""

    __slots__ = (
        "_alone",
        "_choices",
        "_counted",
        "_earlier",
        "_failed",
        "_id",
        "_origin",
        "_pause",
        "_profile",
        "_queries",
        "_repeated",
        "_repeats",
        "_saying",
        "_started",
        "_usage",
        "_waits",
        "done",
    )

    def __init__(self, profile: Profile) -> None:
        self.done = self._started = self._counted = self._failed = False
        self._profile = profile
        self._origin = profile.origin(DIALECT)
        self._choices: dict[int, _Choice] = {}
        self._alone = True
        """Whether there is one candidate, so far."""
        self._id = ""
        self._usage: Usage | None = None
        self._queries: set[str] = set()
        self._repeats = Repeats()
        self._saying: _Choice | None = None
        """The candidate whose words repeat."""
        self._repeated: Usage | None = None
        """The counts that are told again with them."""
        self._pause: Continued | None = None
        """The last pause of this answer."""
        self._earlier: Usage | None = None
        """Counts of the answers up to it."""
        self._waits = False
        """Whether nothing has come since."""

    def feed(self, event: Event) -> Sequence[Delta]:
        """Raises ProtocolFault on what is no answer, and on an answer that goes on after its end."""
        data = event.data
        if self.done or self._failed or not data.strip() or data == b"[DONE]":
            return _NOTHING
        deltas: list[Delta] = []
        text, saying = self._repeats.words(data), self._saying
        if text and saying is not None and not saying.ended and self._usage is self._repeated:
            saying.say(text, deltas)
            return deltas
        for answer in decode(data, "an event of its stream"):
            self.read(answer, data, deltas)
            if self._repeats.tries and deltas and type(deltas[-1]) is TextDelta and says_only(answer, deltas[-1].text):
                self._saying, self._repeated = self._choices[deltas[-1].choice], self._usage
                self._repeats.learn(data, deltas[-1].text, words, self._saying)
        return deltas

    def read(self, answer: WireAnswer, data: bytes, deltas: list[Delta]) -> None:
        """Adds the deltas of one answer, which stands in `data`."""
        self._waits = False
        if answer.error is not None:
            self._fail(parse_fault(200, data, self._profile), deltas)
            return
        self._head(answer, deltas)
        candidates, feedback = answer.candidates or (), answer.prompt_feedback
        self._alone = len(candidates) <= 1 and len(self._choices) <= 1
        for wire in candidates:
            if not self._failed:
                self._candidate(wire, deltas)
        if not candidates and feedback is not None and feedback.block_reason:
            self._blocked(feedback.block_reason_message, deltas)
        self.done = self._counted and self._profile.n_max == 1 and self._whole()

    def close(self) -> Sequence[Delta]:
        """Raises Truncated unless every candidate seen has finished, ProtocolFault where the first never came."""
        deltas: list[Delta] = []
        if self._waits:
            for choice in self._choices.values():
                if not choice.ended:
                    choice.end(Finish.LENGTH, None, deltas)
            return deltas
        if self._failed or not self._whole():
            raise Truncated("its stream ended without a finish reason")
        if 0 not in self._choices:
            raise ProtocolFault("its answer has no first candidate")
        return _NOTHING

    def _whole(self) -> bool:
        return bool(self._choices) and all(choice.ended for choice in self._choices.values())

    def _head(self, answer: WireAnswer, deltas: list[Delta]) -> None:
        usage = answer.usage_metadata
        if not self._started and (answer.response_id or answer.candidates):
            self._started = True
            self._id = answer.response_id or ""
            deltas.append(Started(self._id, answer.model_version or "", None if usage is None else usage.tier()))
        for wire in answer.candidates or ():
            if wire.grounding_metadata is not None:
                self._queries.update(queries(wire.grounding_metadata))
        if usage is not None and (counts := usage.neutral(len(self._queries))) is not None:
            self._counted = True
            self._usage = counts if self._pause is None else resumed(self._earlier, counts, self._pause)
            deltas.append(Used(self._usage or counts))

    def _fail(self, fault: Fault, deltas: list[Delta]) -> None:
        self._failed = True
        deltas.append(Failed(fault))

    def _blocked(self, message: str | None, deltas: list[Delta]) -> None:
        told = message or "The prompt was blocked."
        if not self._choices:
            self._fail(Fault(kind=Kind.CONTENT, message=told, status=200), deltas)
            return
        for choice in self._choices.values():
            if not choice.ended:
                choice.end(Finish.CONTENT_FILTER, told, deltas)

    def _candidate(self, wire: WireCandidate, deltas: list[Delta]) -> None:
        index = wire.index or 0
        choice = self._choices.get(index)
        if choice is None:
            if not 0 <= index < CHOICES_CAP:
                raise ProtocolFault("an event of its stream has an impossible candidate index")
            choice = self._choices[index] = _Choice(index, self._id, self._origin, self._profile.custom_tools)
        before = len(deltas)
        if wire.content is not None:
            for raw in wire.content.parts or ():
                choice.part(raw, deltas)
        if choice.ended and len(deltas) > before:
            raise ProtocolFault("its stream goes on after the finish reason")
        if wire.logprobs_result is not None:
            _weigh(logprobs(wire.logprobs_result), choice.index, before, deltas)
        if wire.grounding_metadata is not None:
            choice.groundings.append(wire.grounding_metadata)
        reason = finish_reason(wire.finish_reason)
        if reason and not choice.ended:
            self._finish(reason, wire, choice, deltas)

    def _finish(self, reason: str, wire: WireCandidate, choice: "_Choice", deltas: list[Delta]) -> None:
        if reason == CONTINUATION and not self._alone:
            choice.end(Finish.LENGTH, None, deltas)
        elif reason == CONTINUATION:
            if not wire.continuation_token:
                raise ProtocolFault("its answer is to be continued, but has no token for it")
            self._pause = Continued({"continuationToken": wire.continuation_token})
            self._earlier, self._waits, self._queries = self._usage, True, set()
            self._repeats.forget()
            deltas.append(self._pause)
        elif reason in FAILED_FINISHES:
            message = f"it ended its answer with {reason}"
            self._fail(Fault(kind=Kind.PROTOCOL, message=message, status=200, code=reason), deltas)
        elif reason == UNSIGNED_FINISH:
            message = "The provider misses a thought signature in the conversation."
            fault = Fault(kind=Kind.REFUSED, message=message, status=400, code=reason, repair="reasoning")
            self._fail(fault, deltas)
        elif reason == SWITCHED_OFF_FINISH:
            message = "The provider did not accept the proxy's credentials."
            self._fail(Fault(kind=Kind.AUTH, message=message, status=200), deltas)
        else:
            if reason not in FINISHES:
                why = f"it ended with {reason[:40]}, which is not known here, and was told as a plain end"
                deltas.append(Lost("answer.finish_reason", why, guessed=True))
            choice.end(FINISHES.get(reason, Finish.STOP), wire.finish_message, deltas)


def _weigh(probabilities: object, choice: int, start: int, deltas: list[Delta]) -> None:
    """Puts probabilities to the last text of this event, or to an empty one."""
    if probabilities is None:
        return
    for at in range(len(deltas) - 1, start - 1, -1):
        delta = deltas[at]
        if type(delta) is TextDelta:
            deltas[at] = structs.replace(delta, logprobs=probabilities)
            return
    deltas.append(TextDelta("", choice, probabilities))


class _Choice:
    """What must be remembered of one candidate."""

    __slots__ = (
        "_answer",
        "_assembly",
        "_calls",
        "_custom",
        "_origin",
        "_ruler",
        "_thinking",
        "_wrapped",
        "ended",
        "groundings",
        "index",
    )

    def __init__(self, index: int, answer: str, origin: str, custom: frozenset[str]) -> None:
        self.index = index
        self.ended = False
        self.groundings: list[WireGrounding] = []
        self._answer = answer
        self._origin = origin
        self._custom = custom
        self._ruler = Ruler()
        self._thinking = False
        self._calls = 0
        self._assembly: Assembly | None = None
        """The last call's arguments while they come in pieces."""
        self._wrapped = False
        """Whether that call is one of a free-text tool."""

    def part(self, raw: Raw, deltas: list[Delta]) -> None:
        part = decode_part(raw)
        signature = part.thought_signature
        opaque = Opaque("signature", signature, self._origin) if signature else None
        if part.function_call is not None:
            self._call(part.function_call, opaque, deltas)
        elif part.thought:
            self._think(part, opaque, deltas)
        elif part.text is not None:
            self._text(part.text, opaque, deltas)
        else:
            self._keep(raw, opaque, deltas)

    def end(self, finish: Finish, message: str | None, deltas: list[Delta]) -> None:
        self._rest(deltas)
        self._close_call(deltas, cut=finish is Finish.LENGTH)
        deltas.extend(Annotated(one, self.index) for one in citations(self.groundings, self._ruler))
        if finish is Finish.CONTENT_FILTER:
            deltas.append(RefusalDelta(message or DECLINED, self.index))
        elif finish is Finish.STOP and self._calls:
            finish = Finish.TOOL_CALLS
        self.ended = True
        deltas.append(Ended(finish, self.index))

    def say(self, text: str, deltas: list[Delta]) -> None:
        """More text, of which there is some."""
        if self._thinking:
            self._rest(deltas)
        self._ruler.add(text)
        deltas.append(TextDelta(text, self.index))

    def _text(self, text: str, opaque: Opaque | None, deltas: list[Delta]) -> None:
        if text:
            self.say(text, deltas)
        if opaque is not None:
            self._rest(deltas)
            deltas.append(TextSigned(opaque, self.index))

    def _think(self, part: WirePart, opaque: Opaque | None, deltas: list[Delta]) -> None:
        if part.text:
            self._thinking = True
            deltas.append(ReasoningDelta(part.text, self.index))
        if opaque is not None:
            self._thinking = False
            deltas.append(ReasoningEnd(opaque, self.index))

    def _rest(self, deltas: list[Delta]) -> None:
        """Something else begins, so thinking that is open ends."""
        if self._thinking:
            self._thinking = False
            deltas.append(ReasoningEnd(None, self.index))

    def _keep(self, raw: Raw, opaque: Opaque | None, deltas: list[Delta]) -> None:
        """A part of another kind. A signature all alone rides on an empty text."""
        value = loaded(raw)
        kind = next((name for name in value if name not in ("thoughtSignature", "partMetadata", "thought")), "")
        if not kind:
            self._text("", opaque, deltas)
            return
        self._rest(deltas)
        deltas.append(Kept(Foreign(DIALECT, kind, marked(value, self._origin), made_picture(value)), self.index))

    # -- calls

    def _call(self, wire: WireCall, opaque: Opaque | None, deltas: list[Delta]) -> None:
        self._rest(deltas)
        if wire.name:
            self._close_call(deltas, cut=False)
            self._start(wire, opaque, deltas)
        if self._assembly is None:
            return
        for piece in wire.partial_args or ():
            self._assembly.add(piece)
        if not wire.will_continue:
            self._close_call(deltas, cut=False)

    def _start(self, wire: WireCall, opaque: Opaque | None, deltas: list[Delta]) -> None:
        name = wire.name or ""
        custom = name in self._custom
        arguments = written(bytes(wire.args))
        call_id = wire.id or self._mint(name, arguments)
        deltas.append(ToolStart(self._calls, call_id, name, custom, self.index, opaque))
        if wire.will_continue or wire.partial_args:
            self._assembly, self._wrapped = Assembly(), custom
        else:
            deltas.append(ToolArguments(self._calls, free_text(arguments) if custom else arguments, self.index))
        self._calls += 1

    def _close_call(self, deltas: list[Delta], *, cut: bool) -> None:
        assembly, self._assembly = self._assembly, None
        if assembly is None:
            return
        arguments = assembly.cut() if cut else assembly.whole()
        text = free_text(arguments) if self._wrapped else arguments
        deltas.append(ToolArguments(self._calls - 1, text, self.index))

    def _mint(self, name: str, arguments: str) -> str:
        base = "".join(c for c in self._answer[-24:] if c.isascii() and c.isalnum())
        if not base:
            base = hashlib.sha256(f"{name}{arguments}".encode(errors="surrogatepass")).hexdigest()[:16]
        return f"{MINTED}{base}_{self.index}_{self._calls}"
