"""Anthropic's event stream, read.

One message is a run of blocks, each opened, filled and closed under its own index; what the blocks hold maps to deltas
as `reply.parse_reply` maps whole blocks, so that folding the deltas gives the same Reply. The end is said by
`message_stop` after a stop reason was given: only then is `Ended` emitted, so that a cut stream never looks finished.

Odd cases: counts are cumulative and the last one said wins; relays repeat `message_start` and append `[DONE]`; a
tool's arguments may come whole with its block's start, or not at all (`{}`); a free-text tool's arguments are held
until they are whole, because they come wrapped in JSON; unknown events and deltas are told as `Lost`;
blocks of other kinds, as those of tools that Anthropic runs, are `Kept` whole where their deltas are known. A turn that
pauses ends in `Continued` where the request has tools that Anthropic runs itself (see `paused`).
"""

from collections.abc import Sequence

import msgspec
import orjson

from translators.anthropic_messages.beside import StopDetails, cited, documents_cited, last_words
from translators.anthropic_messages.event import WireEvent, WireMessage, decode, decode_name
from translators.anthropic_messages.faults import parse_fault
from translators.anthropic_messages.paused import Turn
from translators.anthropic_messages.reply import NAMELESS, Block
from translators.anthropic_messages.wire import DIALECT, PAUSE, WireUsage, finish_of, free_text
from translators.counts import uncounted
from translators.faults import ProtocolFault, Truncated
from translators.ir import (
    Annotated,
    Continued,
    Delta,
    Ended,
    Event,
    Failed,
    Finish,
    Foreign,
    Json,
    Kept,
    Lost,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    Started,
    TextDelta,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)
from translators.joined import resumed
from translators.profile import Profile
from translators.repeats import Repeats

_KNOWN = frozenset(
    (
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    )
)
_NOTHING: tuple[Delta, ...] = ()


def _words(data: bytes) -> object:
    change = decode(data).delta
    return None if change is None else change.text


class _Open:
    """A block that was started and not yet stopped."""

    __slots__ = ("citations", "custom", "given", "held", "kind", "said", "signature", "start", "tool", "whole")

    def __init__(self, block: Block, start: int, *, custom: bool) -> None:
        self.kind = block.type
        self.start = start
        self.citations = list(block.citations or ())
        self.signature = block.signature or ""
        self.custom = custom
        self.tool = 0
        self.given = bytes(block.input).decode() if block.type == "tool_use" else ""
        self.said = False
        self.held: list[str] = []
        self.whole: dict[str, Json] | None = None
        """A block without a neutral word, as it began."""


def _whole_block(data: bytes) -> dict[str, Json] | None:
    """The block of an event that could be read; None where it cannot be sent on (half a surrogate pair)."""
    try:
        whole: dict[str, Json] = orjson.loads(data)["content_block"]
    except orjson.JSONDecodeError:
        return None
    return whole


class Reader:
    """Events of one answer -> deltas."""

    __slots__ = (
        "_details",
        "_earlier",
        "_length",
        "_open",
        "_pause",
        "_profile",
        "_repeats",
        "_started",
        "_stop_reason",
        "_stop_sequence",
        "_tools",
        "_turn",
        "_usage",
        "_waits",
        "done",
    )

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._open: dict[int, _Open] = {}
        self._usage = WireUsage()
        self._tools = 0
        self._length = 0
        self._repeats = Repeats()
        """Of the text block that is filled."""
        self._started = False
        self.done = False
        self._stop_reason: str | None = None
        self._stop_sequence: str | None = None
        self._details: StopDetails | None = None
        self._turn = Turn() if profile.hosted_tools else None
        self._pause: Continued | None = None
        """The last pause of this answer."""
        self._earlier: Usage | None = None
        """Counts of the answers up to it."""
        self._waits = False
        """Whether nothing has come since."""

    def feed(self, event: Event) -> Sequence[Delta]:
        if self.done:
            return _NOTHING
        words = self._repeats.words(event.data)
        if words:
            self._length += len(words)
            return (TextDelta(words),)
        read = self._read(event)
        if read is None:
            return _NOTHING
        if read.type == "content_block_delta":
            deltas = self._change(read)
            if self._repeats.tries and self._turn is None and deltas and type(deltas[0]) is TextDelta:
                self._repeats.learn(event.data, deltas[0].text, _words)
            return deltas
        return self._rare(read, event.data)

    def close(self) -> Sequence[Delta]:
        if self._waits:
            self.done = True
            return (Ended(Finish.LENGTH),)
        if not self.done:
            raise Truncated("its stream ended without message_stop and a stop reason")
        return _NOTHING

    def _rare(self, read: WireEvent, data: bytes) -> Sequence[Delta]:
        """All but what fills a block."""
        kind = read.type
        if kind == "content_block_start":
            return self._start_block(read, data)
        if kind == "content_block_stop":
            return self._stop_block(read.index)
        if kind == "message_start":
            return self._start(read.message)
        if kind == "message_delta":
            return self._finish(read)
        if kind == "message_stop":
            return self._stop()
        if kind == "error":
            self.done = True
            return (Failed(parse_fault(200, data, self._profile)),)
        return _NOTHING if kind == "ping" else (Lost(f"answer.{kind[:60]}", "an event that is not known"),)

    def _read(self, event: Event) -> WireEvent | None:
        """The event; None for one that means nothing."""
        try:
            if not event.data.isascii():
                event.data.decode()  # what is skipped is not looked at, and the input of a call is passed on
            read = decode(event.data)
        except msgspec.ValidationError:
            again = uncounted(event.data, decode)
            if again is None:
                return self._odd(event)
            read = again
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._odd(event)
        if self._turn is not None:
            self._turn.feed(event.data)
        return read

    def _odd(self, event: Event) -> WireEvent | None:
        """What has not the shape of a known event: an unknown one may have fields of any type."""
        kind = self._name(event.data)
        if kind == "error":
            return WireEvent("error")
        if event.data.strip() in (b"[DONE]", b""):
            return None
        if kind is not None and kind not in _KNOWN:
            return WireEvent(kind)
        raise ProtocolFault(f"its {kind or 'unnamed'} event is malformed")

    @staticmethod
    def _name(data: bytes) -> str | None:
        try:
            return decode_name(data).type
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    # -- the message

    def _start(self, message: WireMessage | None) -> Sequence[Delta]:
        if message is None:
            raise ProtocolFault("its message_start has no message")
        self._waits = False
        deltas: list[Delta] = []
        if message.usage is not None:
            if self._started:
                self._usage.update(message.usage)
            else:
                self._usage = message.usage
        if not self._started:
            self._started = True
            deltas.append(Started(message.id, message.model, self._usage.tier()))
        self._count(deltas)
        return deltas

    def _finish(self, read: WireEvent) -> Sequence[Delta]:
        deltas = self._close_blocks()
        change = read.delta
        if change is not None:
            self._stop_reason = change.stop_reason or self._stop_reason
            self._stop_sequence = change.stop_sequence or self._stop_sequence
            self._details = change.stop_details or self._details
        if read.usage is not None:
            self._usage.update(read.usage)
            self._count(deltas)
        return deltas

    def _count(self, deltas: list[Delta]) -> None:
        usage = self._counted()
        if usage is not None:
            deltas.append(Used(usage))

    def _counted(self) -> Usage | None:
        usage = self._usage.neutral()
        return usage if self._pause is None else resumed(self._earlier, usage, self._pause)

    def _stop(self) -> Sequence[Delta]:
        deltas = self._close_blocks()
        if self._stop_reason is None:
            if self._waits:
                return deltas
            raise Truncated("its stream ended without a stop reason")
        if self._stop_reason == PAUSE and self._turn is not None:
            pause = self._turn.continued()
            if pause is not None:
                self._wait(pause)
                return [*deltas, pause]
        self.done = True
        finish = finish_of(self._stop_reason, self._profile)
        declined = finish is Finish.CONTENT_FILTER and self._tools > 0
        deltas += last_words(self._stop_reason, finish, self._details, declined=declined)
        deltas.append(Ended(finish, stop_sequence=self._stop_sequence, declined=declined))
        return deltas

    def _wait(self, pause: Continued) -> None:
        """Makes ready for the answer that goes on with this one."""
        self._earlier, self._pause = self._counted(), pause
        self._usage, self._turn = WireUsage(), Turn()
        self._stop_reason = None
        self._waits = True

    # -- its blocks

    def _close_blocks(self) -> list[Delta]:
        deltas: list[Delta] = []
        for index in list(self._open):
            deltas += self._stop_block(index)
        return deltas

    def _start_block(self, read: WireEvent, data: bytes) -> Sequence[Delta]:
        block = read.content_block
        if block is None:
            raise ProtocolFault("its content_block_start has no block")
        deltas = list(self._stop_block(read.index))
        kind = block.type
        opened = _Open(block, self._length, custom=block.name in self._profile.custom_tools)
        self._open[read.index] = opened
        if kind == "text":
            self._say(block.text, deltas)
        elif kind == "thinking":
            if block.thinking:
                deltas.append(ReasoningDelta(block.thinking))
        elif kind == "redacted_thinking":
            deltas.append(ReasoningEnd(Opaque("redacted", block.data or "", self._origin())))
        elif kind == "tool_use":
            if not block.name:
                raise ProtocolFault(NAMELESS)
            opened.tool = self._tools
            self._tools += 1
            deltas.append(ToolStart(opened.tool, block.id or "", block.name, opened.custom))
        elif kind:
            opened.whole = _whole_block(data)
        return deltas

    def _say(self, text: str | None, deltas: list[Delta]) -> None:
        if text:
            self._length += len(text)
            deltas.append(TextDelta(text))

    def _change(self, read: WireEvent) -> Sequence[Delta]:
        block, change = self._open.get(read.index), read.delta
        if block is None or change is None:
            raise ProtocolFault("its content_block_delta belongs to no open block")
        kind = change.type
        if kind == "text_delta" and block.kind == "text":
            text = change.text
            if not text:
                return _NOTHING
            self._length += len(text)
            return (TextDelta(text),)
        if kind == "input_json_delta" and block.kind == "tool_use":
            return self._arguments(block, change.partial_json)
        if kind == "thinking_delta" and block.kind == "thinking":
            return (ReasoningDelta(change.thinking),) if change.thinking else _NOTHING
        if kind == "signature_delta" and block.kind == "thinking":
            block.signature += change.signature or ""
        elif kind == "input_json_delta" and block.whole is not None:
            block.held.append(change.partial_json or "")
        elif kind == "citations_delta" and change.citation is not None:
            block.citations.append(change.citation)
        else:
            block.whole = None
            return (Lost(f"answer.{kind[:60]}", "a delta that is not known"),)
        return _NOTHING

    @staticmethod
    def _arguments(block: _Open, text: str | None) -> Sequence[Delta]:
        if not text:
            return _NOTHING
        block.said = True
        if block.custom:
            block.held.append(text)
            return _NOTHING
        return (ToolArguments(block.tool, text),)

    def _stop_block(self, index: int) -> Sequence[Delta]:
        block = self._open.pop(index, None)
        if block is None:
            return _NOTHING
        self._repeats.forget()
        if block.kind == "tool_use":
            if block.custom:
                return (ToolArguments(block.tool, free_text("".join(block.held) or block.given)),)
            return _NOTHING if block.said else (ToolArguments(block.tool, block.given or "{}"),)
        if block.kind == "thinking":
            opaque = Opaque("signature", block.signature, self._origin()) if block.signature else None
            return (ReasoningEnd(opaque),)
        if block.whole is not None:
            return self._keep(block.whole, "".join(block.held))
        if block.kind == "text" and block.citations:
            told = [Annotated(one) for one in cited(block.citations, block.start, self._length)]
            return [*told, *documents_cited(block.citations)]
        return _NOTHING

    def _keep(self, whole: dict[str, Json], given: str) -> Sequence[Delta]:
        """A block that has no neutral word, with what its deltas gave it."""
        if given:
            try:
                whole["input"] = orjson.loads(given)
            except orjson.JSONDecodeError:
                return (Lost(f"answer.{whole['type']}", "its input is no JSON"),)
        return (Kept(Foreign(DIALECT, whole["type"], whole)),)

    def _origin(self) -> str:
        return self._profile.origin(DIALECT)
