"""Chunks of a chat stream as deltas, for every vendor that calls its stream OpenAI-compatible.

State is one small record per choice and per tool call, never text. What vendors do differently, and what comes of it:
- The end is `[DONE]` after a finish reason for every choice seen. Some leave `[DONE]` out, which is fine; a `[DONE]`
  without a finish reason is a cut answer.
- OpenRouter gives the same finish reason twice, and empty deltas after it: repetition is ignored. Another reason, or
  content after the finish, is a fault.
- Tool calls: Mistral sends whole calls in one delta, with no index; Qwen repeats empty ids; some servers count every
  call as index 0. A call starts once its name is known. Its index here is its ordinal, and an id is made up where there
  is none.
- Errors come as a named event (Groq), beside choices or inside one (OpenRouter), or as a finish reason.
- Reasoning ends where something else begins, or with its blob.
"""

import json
from collections.abc import Sequence

import orjson

from translators.faults import Fault, ProtocolFault, Truncated
from translators.ir import (
    Annotated,
    Delta,
    Dialect,
    Ended,
    Event,
    Failed,
    Json,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
    Used,
)
from translators.openai.answers import FAILED_FINISHES, decode, read_finish, read_usage
from translators.openai.faults import classify
from translators.openai_chat.reasoning import has_blob, read_entries, read_thinking
from translators.openai_chat.signatures import read_signature
from translators.openai_chat.wire import ANSWER, WireAnswer, WireCall, WireChoice, WireFunction, WireMessage
from translators.profile import Profile

CHOICES_CAP = 128
DONE = b"[DONE]"


class ChatReader:
    """Upstream events in, deltas out. `quiet` says of the last event that a client need not see it: the end mark, a
    failure, nothing at all; `only_usage` and `blobs` what else is special about it."""

    __slots__ = (
        "_choices",
        "_failed",
        "_origin",
        "_profile",
        "_started",
        "blobs",
        "done",
        "ignored",
        "only_usage",
        "quiet",
    )

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._origin = profile.origin(Dialect.OPENAI_CHAT)
        self._choices: dict[int, _Choice] = {}
        self._started: Started | None = None
        self.done = False
        self._failed = False
        self.ignored = 0
        self.quiet = False
        self.only_usage = False
        self.blobs = False

    def feed(self, event: Event) -> Sequence[Delta]:
        """Raises ProtocolFault on what is no chunk, and on an answer that goes on after its end."""
        data = event.data
        self.quiet = self.only_usage = self.blobs = False
        if data == DONE or not data or self.done or self._failed:
            self.done = self.done or data == DONE
            self.ignored += data != DONE
            self.quiet = True
            return ()
        if event.name == "error":
            return self._fail(_error_event(data))
        return self.read(decode(data, ANSWER, "an event of its stream"))

    def read(self, chunk: WireAnswer) -> Sequence[Delta]:
        """Deltas of a chunk, or of a whole answer taken as one."""
        if chunk.error:
            return self._fail(classify(200, {"error": chunk.error}))
        deltas: list[Delta] = []
        if self._started is None and (chunk.id or chunk.choices):
            tier = chunk.service_tier
            self._started = Started(chunk.id or "", chunk.model or "", tier if isinstance(tier, str) else None)
            deltas.append(self._started)
        if chunk.choices:
            for choice in chunk.choices:
                fault = self._choice(choice, deltas)
                if fault is not None:
                    deltas.extend(self._fail(fault))
                    return deltas
        else:
            self.only_usage = chunk.usage is not None
            self.ignored += chunk.usage is None
        if chunk.usage is not None or chunk.x_groq is not None:
            self._extras(chunk, deltas)
        return deltas

    def close(self) -> Sequence[Delta]:
        """Raises Truncated unless every choice seen has finished."""
        if self._failed or not self._choices or not all(choice.finish for choice in self._choices.values()):
            raise Truncated("it ended its stream before its answer was finished")
        return ()

    def _extras(self, chunk: WireAnswer, deltas: list[Delta]) -> None:
        """Usage, and what Groq says beside it."""
        groq = chunk.x_groq
        if groq is not None and groq.error:
            deltas.extend(self._fail(classify(200, {"error": groq.error})))
            return
        usage = chunk.usage or (groq.usage if groq is not None else None)
        if usage is not None:
            deltas.append(Used(read_usage(usage, self._profile)))

    def _fail(self, fault: Fault) -> Sequence[Delta]:
        self._failed = True
        self.quiet = True
        return (Failed(fault),)

    def _choice(self, wire: WireChoice, deltas: list[Delta]) -> Fault | None:
        index = wire.index or 0
        choice = self._choices.get(index)
        if choice is None:
            if not 0 <= index < CHOICES_CAP:
                raise ProtocolFault("an event of its stream has an impossible choice index")
            minted = self._started.id if self._started is not None else ""
            choice = self._choices[index] = _Choice(index, minted, self._origin)
        if wire.error:
            return classify(200, {"error": wire.error})
        reason = wire.finish_reason
        if reason in FAILED_FINISHES:
            return classify(200, {"error": {"code": reason}})
        if wire.delta is not None:
            before = len(deltas)
            self._delta(wire.delta, wire.logprobs, choice, deltas)
            if choice.finish and len(deltas) > before:
                raise ProtocolFault("its stream goes on after the finish reason")
        if reason:
            choice.end(reason, deltas)
        return None

    def _delta(self, delta: WireMessage, logprobs: Json, choice: "_Choice", deltas: list[Delta]) -> None:
        if delta.reasoning_content or delta.reasoning or delta.reasoning_details:
            self._reasoning(delta, choice, deltas)
        content = delta.content
        if isinstance(content, list):
            self._content_parts(content, choice, deltas)
        elif content or (logprobs is not None and _says(logprobs)):
            choice.rest(deltas)
            deltas.append(TextDelta(content or "", choice.index, logprobs))
        if delta.refusal:
            choice.rest(deltas)
            deltas.append(RefusalDelta(delta.refusal, choice.index))
        if delta.extra_content is not None:
            self._sign(delta, choice, deltas)
        if delta.tool_calls:
            self._calls(delta.tool_calls, choice, deltas)
        if delta.function_call is not None:
            choice.call(WireCall(index=0, function=delta.function_call), deltas)
        if delta.annotations:
            self._annotations(delta.annotations, choice, deltas)
        if isinstance(delta.audio, dict):
            # Sound has no delta of its own; its transcript stands for it, so that the answer counts as begun.
            transcript = delta.audio.get("transcript")
            deltas.append(TextDelta(transcript if isinstance(transcript, str) else "", choice.index))

    def _reasoning(self, delta: WireMessage, choice: "_Choice", deltas: list[Delta]) -> None:
        details = delta.reasoning_details or ()
        self.blobs = any(has_blob(entry) for entry in details)
        entries = list(read_entries(details, self._origin))
        plain = delta.reasoning_content or delta.reasoning
        if isinstance(plain, str) and not any(entry.text for entry in entries):
            choice.think(plain, None, deltas)
        for entry in entries:
            if entry.text:
                choice.think(entry.text, entry.index, deltas)
            if entry.ends:
                choice.thinking = False
                deltas.append(ReasoningEnd(entry.opaque, choice.index))

    def _calls(self, calls: list[WireCall], choice: "_Choice", deltas: list[Delta]) -> None:
        for call in calls:
            self.blobs = self.blobs or call.extra_content is not None
            choice.call(call, deltas)

    def _sign(self, delta: WireMessage, choice: "_Choice", deltas: list[Delta]) -> None:
        opaque = read_signature(delta.extra_content, self._origin)
        if opaque is not None:
            self.blobs = True
            choice.rest(deltas)
            deltas.append(TextSigned(opaque, choice.index))

    def _annotations(self, notes: list[Json], choice: "_Choice", deltas: list[Delta]) -> None:
        """Citations of pages; a router's notes on files are its own. An `index` is no part of a citation."""
        cited = [note for note in notes if isinstance(note, dict) and note.get("type") == "url_citation"]
        self.ignored += len(notes) - len(cited)
        bare = [{name: one for name, one in note.items() if name != "index"} for note in cited]
        deltas.extend(Annotated(note, choice.index) for note in bare)

    def _content_parts(self, parts: list[Json], choice: "_Choice", deltas: list[Delta]) -> None:
        """Mistral's content array: thinking and text; other kinds say nothing here."""
        for part in parts:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "thinking":
                block = read_thinking(part, self._origin)
                if block.text:
                    choice.think(block.text, None, deltas)
                if block.opaque is not None:
                    choice.thinking = False
                    deltas.append(ReasoningEnd(block.opaque, choice.index))
            elif kind == "text" and isinstance(part.get("text"), str):
                choice.rest(deltas)
                deltas.append(TextDelta(part["text"], choice.index))
            else:
                self.ignored += 1


class _Call:
    """A tool call under way; it has no index before its name is known."""

    __slots__ = ("id", "index", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.index = -1


class _Choice:
    """What must be remembered of one choice."""

    __slots__ = ("_calls", "_last", "_minted", "_origin", "_slots", "_thought", "finish", "index", "thinking")

    def __init__(self, index: int, minted: str, origin: str) -> None:
        self.index = index
        self.finish = ""
        self.thinking = False
        self._thought: Json = None
        self._slots: dict[int, _Call] = {}
        self._last: _Call | None = None
        self._calls = 0
        self._minted = minted
        self._origin = origin

    def think(self, text: str, block: Json, deltas: list[Delta]) -> None:
        """Text of a reasoning block; another `block` number ends the one before."""
        if self.thinking and block != self._thought:
            deltas.append(ReasoningEnd(None, self.index))
        self.thinking = True
        self._thought = block
        deltas.append(ReasoningDelta(text, self.index))

    def rest(self, deltas: list[Delta]) -> None:
        """Something else begins, so a reasoning block that is open ends."""
        if self.thinking:
            self.thinking = False
            deltas.append(ReasoningEnd(None, self.index))

    def end(self, reason: str, deltas: list[Delta]) -> None:
        if self.finish:
            if reason != self.finish:
                raise ProtocolFault("its stream has two finish reasons for one choice")
            return
        self.rest(deltas)
        self.finish = reason
        deltas.append(Ended(read_finish(reason, called=self._calls > 0), self.index))

    def call(self, wire: WireCall, deltas: list[Delta]) -> None:
        self.rest(deltas)
        custom = wire.custom
        name = (custom.name if custom else wire.function.name if wire.function else None) or ""
        call = self._slot(wire, name)
        if call.index < 0:
            call.id = call.id or wire.id or ""
            if name:
                self._start(call, name, wire, deltas)
        text = custom.input if custom else _arguments(wire.function)
        if text:
            if call.index < 0:
                raise ProtocolFault("its stream has arguments for a tool call without a name")
            deltas.append(ToolArguments(call.index, text, self.index))

    def _start(self, call: _Call, name: str, wire: WireCall, deltas: list[Delta]) -> None:
        call.name = name
        call.index = self._calls
        self._calls += 1
        call.id = call.id or mint(self._minted, self.index, call.index)
        opaque = read_signature(wire.extra_content, self._origin) if wire.extra_content is not None else None
        deltas.append(ToolStart(call.index, call.id, name, wire.custom is not None, self.index, opaque))

    def _slot(self, wire: WireCall, name: str) -> _Call:
        """The call this delta speaks of: by index, else the last one unless a name begins another."""
        if wire.index is None:
            goes_on = not name or (self._last is not None and wire.id == self._last.id)
            call = self._last if goes_on else None
        else:
            call = self._slots.get(wire.index)
        if call is not None and name and wire.id and call.index >= 0 and wire.id != call.id:
            call = None  # a server that gives every call the same index
        if call is None:
            call = _Call()
        if wire.index is not None:
            self._slots[wire.index] = call
        self._last = call
        return call


def mint(answer: str, choice: int, index: int) -> str:
    """An id for a call that came without one, unlike those of other answers."""
    base = "".join(c for c in answer[-24:] if c.isascii() and c.isalnum())
    return f"call_{base}_{choice}_{index}"


def _arguments(function: WireFunction | None) -> str:
    """Arguments as text; Mistral may send them parsed."""
    arguments = function.arguments if function is not None else None
    if isinstance(arguments, dict):
        return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)
    return arguments or ""


def _says(logprobs: Json) -> bool:
    """Whether probabilities are more than the empty lists of a first chunk."""
    return isinstance(logprobs, dict) and bool(logprobs.get("content") or logprobs.get("refusal"))


def _error_event(data: bytes) -> Fault:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = None
    return classify(200, value)
