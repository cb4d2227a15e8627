"""Deltas as the events of a Responses stream, in the order OpenAI itself sends them.

`response.created` and `.in_progress` open the stream; each output item is added, filled by deltas and done, part by
part; `response.completed` or `.incomplete` ends it with the whole answer. Output and content indexes are dense from 0,
and every event has its number.

Deliberate choices:
- A message or a thought is done as soon as something else begins; calls are done at the end, since answers of other
  dialects may write them in turns. A call that got no arguments is given `{}` then, unless the answer was cut.
- What a signature rides on has no field for it here: it becomes a reasoning item of its own (see `marks`).
- A failure is told by an `error` event and, where the answer had begun, by the failed response.

What does not change within a stream is formatted once. The text is held until the end, which says it again: an answer
of more than HELD_CAP characters is a fault.
"""

from collections.abc import Mapping

from translators import sse
from translators.codec import Context
from translators.faults import Fault, ProtocolFault
from translators.ir import (
    Annotated,
    Delta,
    Ended,
    Finish,
    Json,
    Kept,
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
from translators.openai.text import dumps
from translators.openai_responses import response
from translators.openai_responses.drafts import Call, Draft, Picture, Said, Thought
from translators.openai_responses.faults import error_event
from translators.openai_responses.marks import Rides
from translators.openai_responses.response import Item
from translators.openai_responses.wire import CUT, DIALECT, item_id, own_annotation, own_logprobs

HELD_CAP = 1 << 25


class ResponsesWriter:
    """One stream. Raises ProtocolFault for an answer beyond the cap; a delta that says nothing in this dialect gives no
    bytes. Only the first choice is said: a client of this dialect asked for one."""

    __slots__ = (
        "_calls",
        "_context",
        "_echo",
        "_finish",
        "_head",
        "_held",
        "_length",
        "_open",
        "_output",
        "_sequence",
        "_started",
        "_tier",
        "_usage",
    )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._head = dumps(response.head(context))[:-1]
        self._echo = dumps(response.echo(context))[1:]
        self._sequence = 0
        self._held = 0
        self._started = False
        self._output: list[Draft] = []
        self._open: Said | Thought | None = None
        self._calls: dict[int, Call] = {}
        self._length = 0
        """Characters of text said, all messages together."""
        self._finish = Finish.STOP
        self._usage: Usage | None = None
        self._tier: str | None = None

    def feed(self, delta: Delta) -> bytes:
        if type(delta) is TextDelta and delta.logprobs is None and not delta.choice:
            said = self._open
            if type(said) is Said and said.kind == "output_text":  # as nearly always
                return self._words(said, delta.text)
        lead = b"" if self._started else self._start()
        if getattr(delta, "choice", 0):
            return lead
        if isinstance(delta, TextDelta):
            return lead + self._text(delta)
        if isinstance(delta, ToolArguments):
            call = self._calls.get(delta.index)
            return lead + (self._pushed(call, delta.text) if call is not None and delta.text else b"")
        if isinstance(delta, ReasoningDelta):
            return lead + (self._muse(delta.text) if delta.text else b"")
        return lead + self._rare(delta)

    def close(self) -> bytes:
        """The rest of the items, and the whole answer."""
        lead = b"" if self._started else self._start()
        lead += self._rest()
        ending = response.ended(self._finish, self._items(), self._usage, self._tier)
        return lead + self._life(f"response.{ending['status']}", ending)

    def fault(self, fault: Fault) -> bytes:
        error = error_event(fault, self._next())
        if not self._started:
            return error
        return error + self._life("response.failed", response.broken(fault, self._items()))

    def shows(self, delta: Delta) -> bool:
        """Everything that commits, thinking, pictures, and items of this dialect's own."""
        if isinstance(delta, Kept):
            return delta.part.dialect == DIALECT or delta.part.shown is not None
        return delta.commits or isinstance(delta, ReasoningDelta)

    # -- the answer's life

    def _next(self) -> int:
        number = self._sequence
        self._sequence += 1
        return number

    def _start(self) -> bytes:
        self._started = True
        opened = response.opened()
        return self._life("response.created", opened) + self._life("response.in_progress", opened)

    def _life(self, kind: str, fields: Mapping[str, Json]) -> bytes:
        data = b'{"type":"%b","response":%b,%b,%b,"sequence_number":%d}' % (
            kind.encode(),
            self._head,
            dumps(fields)[1:-1],
            self._echo,
            self._next(),
        )
        return sse.encode(data, kind)

    def _items(self) -> list[Item]:
        return [draft.item() for draft in self._output]

    def _rare(self, delta: Delta) -> bytes:
        if isinstance(delta, Started):
            self._tier = delta.service_tier
        elif isinstance(delta, Used):
            self._usage = delta.usage
        elif isinstance(delta, RefusalDelta):
            return self._refuse(delta.text) if delta.text else b""
        elif isinstance(delta, ToolStart):
            return self._tool(delta)
        elif isinstance(delta, ReasoningEnd):
            return self._thought(delta.opaque)
        elif isinstance(delta, TextSigned):
            return self._bearer(delta.opaque, "text")
        elif isinstance(delta, Annotated):
            return self._note(delta.annotation)
        elif isinstance(delta, Kept):
            return self._keep(delta)
        elif isinstance(delta, Ended):
            self._finish = delta.finish
            return self._rest()
        return b""

    # -- items

    def _event(self, kind: str, fields: Mapping[str, Json]) -> bytes:
        return sse.encode(dumps({"type": kind, **fields, "sequence_number": self._next()}), kind)

    def _id(self, kind: str) -> str:
        return item_id(kind, self._context.id, len(self._output))

    def _add(self, draft: Draft) -> bytes:
        draft.index = len(self._output)
        self._output.append(draft)
        return self._event("response.output_item.added", {"output_index": draft.index, "item": draft.opening()})

    def _done(self, draft: Draft, *, cut: bool = False) -> bytes:
        draft.end(cut=cut)
        said = b"".join([self._event(kind, fields) for kind, fields in draft.closing()])
        return said + self._event("response.output_item.done", {"output_index": draft.index, "item": draft.item()})

    def _hold(self, text: str) -> str:
        self._held += len(text)
        if self._held > HELD_CAP:
            raise ProtocolFault(f"its answer is longer than {HELD_CAP} characters")
        return text

    def _pushed(self, draft: Said | Thought | Call, text: str) -> bytes:
        quoted = draft.push(self._hold(text))
        return b'%b%b,"sequence_number":%d}\n\n' % (draft.push_head, quoted, self._next())

    def _rest(self) -> bytes:
        """Everything that is still open is done."""
        cut = self._finish in CUT
        out = [self._shut(cut=cut)]
        for call in self._calls.values():
            if not call.done:
                if call.bare and not cut:
                    out.append(self._pushed(call, "{}"))
                out.append(self._done(call, cut=cut))
        return b"".join(out)

    def _shut(self, *, cut: bool = False) -> bytes:
        """The message or thought that is open is done."""
        draft, self._open = self._open, None
        return b"" if draft is None else self._done(draft, cut=cut)

    def _saying(self, kind: str) -> tuple[Said, bytes]:
        """The message that is open, at a part of this kind."""
        said, out = self._open, b""
        if not isinstance(said, Said):
            out = self._shut()
            said = self._open = Said(self._id("msg"))
            out += self._add(said)
        if said.kind != kind:
            out += b"".join([self._event(name, fields) for name, fields in said.part_closing()])
            out += self._event("response.content_part.added", said.part_opening(kind, self._length))
        return said, out

    def _text(self, delta: TextDelta) -> bytes:
        said, lead = self._open, b""
        if not isinstance(said, Said) or said.kind != "output_text":
            if not delta.text and delta.logprobs is None:
                return b""
            said, lead = self._saying("output_text")
        self._length += len(delta.text)
        entries = own_logprobs(delta.logprobs) if delta.logprobs is not None else []
        said.logprobs += entries
        return lead + b'%b%b,"logprobs":%b,"sequence_number":%d}\n\n' % (
            said.push_head,
            said.push(self._hold(delta.text)),
            dumps(entries) if entries else b"[]",
            self._next(),
        )

    def _words(self, said: Said, text: str) -> bytes:
        """More of the text that is open, without probabilities."""
        self._length += len(text)
        quoted, number = said.push(self._hold(text)), self._sequence
        self._sequence = number + 1
        return b'%b%b,"logprobs":[],"sequence_number":%d}\n\n' % (said.push_head, quoted, number)

    def _refuse(self, text: str) -> bytes:
        said, lead = self._saying("refusal")
        return lead + self._pushed(said, text)

    def _note(self, note: Mapping[str, Json]) -> bytes:
        """A citation belongs to the text said last; one of a message that is done shows in the whole answer alone."""
        last = next((one for one in reversed(self._output) if isinstance(one, Said) and one.cited), None)
        if last is None:
            return b""
        fields = last.note(own_annotation(note, last.start))
        return self._event("response.output_text.annotation.added", fields) if last is self._open else b""

    def _muse(self, text: str) -> bytes:
        thought, lead = self._open, b""
        if not isinstance(thought, Thought):
            lead = self._shut()
            thought = self._open = Thought(self._id("rs"))
            lead += self._add(thought)
            lead += self._event("response.reasoning_summary_part.added", thought.part_opening())
        return lead + self._pushed(thought, text)

    def _thought(self, opaque: Opaque | None) -> bytes:
        if isinstance(self._open, Thought):
            self._open.opaque = opaque
            return self._shut()
        return b"" if opaque is None else self._bearer(opaque)

    def _bearer(self, opaque: Opaque, rides: Rides = "") -> bytes:
        """A reasoning item of nothing but a blob."""
        out = self._shut()
        thought = Thought(self._id("rs"))
        thought.opaque, thought.rides = opaque, rides
        return out + self._add(thought) + self._done(thought)

    def _tool(self, delta: ToolStart) -> bytes:
        out = self._shut() if delta.opaque is None else self._bearer(delta.opaque, "call")
        call = self._calls[delta.index] = Call(self._id("ctc" if delta.custom else "fc"), delta)
        return out + self._add(call)

    def _keep(self, delta: Kept) -> bytes:
        part = delta.part
        if part.dialect == DIALECT and isinstance(part.value, dict):
            whole = Draft(part.value)
        elif part.shown is not None:
            self._hold(part.shown.data or "")
            whole = Picture(response.picture(self._id("ig"), part.shown))
        else:
            return b""
        out = self._shut()
        return out + self._add(whole) + self._done(whole)


def aside(facts: Mapping[str, Json], context: Context) -> bytes:  # noqa: ARG001 - one shape for every dialect
    """An event of a type of its own: OpenAI's SDKs hand on types that they do not know, and clients pass over them."""
    return sse.encode(dumps({"type": "sidestep", "sidestep": facts}), "sidestep")
