"""Deltas written as Anthropic's event stream.

Anthropic's clients know one open block at a time, with indexes dense from 0, and drop events without a name. Answers
of other dialects interleave their tool calls, so blocks wait in a queue: the first streams live, those behind it
collect. A text gives way as soon as another block waits; a call when its arguments are one whole JSON value, or at the
end of the answer.

`message_start` carries no counts, because no other dialect tells them that early; `message_delta` carries the real
ones. Thinking streams like text, and its signature ends its block: the one an Anthropic-dialect provider made, or a
mark of ours (see `marks`). Citations have no form here that a client could send back, and stay out.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from translators import sse
from translators.anthropic_messages.faults import error_event
from translators.anthropic_messages.marks import PLAIN, signature, thinking_block
from translators.anthropic_messages.wire import stop_reason_of, wire_usage
from translators.codec import Context
from translators.faults import Fault
from translators.ir import (
    Annotated,
    Delta,
    Ended,
    Finish,
    Json,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    TextDelta,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)

_TEXT: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":'
)
_TEXT_END: Final = b"}}\n\n"
"""What stands before and behind the text in most events of an answer."""


class _Block:
    """A block in the queue: how it starts, and its deltas not yet sent."""

    __slots__ = ("_whole", "custom", "kept", "lead", "opened", "sent", "signature", "start", "tool")

    def __init__(self, start: dict[str, Any], *, tool: int = -1, custom: bool = False) -> None:
        self.start = start
        self.tool = tool
        self.custom = custom
        self.kept: list[str] = []
        self.sent: list[str] = []
        self.opened = False
        self.lead = b""
        """What each of its events begins with, once it is text that is sent as it comes."""
        self.signature = ""
        """Of a thinking block that is complete."""
        self._whole: bool | None = None

    def add(self, text: str) -> None:
        self.kept.append(text)
        self._whole = None

    @property
    def whole(self) -> bool:
        """Whether nothing can follow in this block once another one waits."""
        if self._whole is None:
            self._whole = self.tool < 0 or (not self.custom and _is_json("".join(self.sent) + "".join(self.kept)))
        return self._whole


class Writer:
    """Deltas of one answer -> bytes. Only the first choice is said: a client of this dialect asked for one."""

    __slots__ = ("_context", "_finish", "_index", "_queue", "_refused", "_started", "_stop_sequence", "_usage")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: list[_Block] = []
        self._index = 0
        self._started = False
        self._refused = False
        self._finish = Finish.STOP
        self._stop_sequence: str | None = None
        self._usage: Usage | None = None

    def feed(self, delta: Delta) -> bytes:
        queue = self._queue
        if type(delta) is TextDelta and len(queue) == 1 and queue[0].lead and not delta.choice:  # as nearly always
            return queue[0].lead + orjson.dumps(delta.text) + _TEXT_END
        start = b"" if self._started else self._start(getattr(delta, "service_tier", None))
        if getattr(delta, "choice", 0):
            return start
        if isinstance(delta, TextDelta | RefusalDelta):
            self._say(delta.text)
            self._refused = self._refused or isinstance(delta, RefusalDelta)
        elif isinstance(delta, ToolArguments):
            self._argue(delta)
        elif isinstance(delta, ToolStart):
            opening = {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}}
            self._queue.append(_Block(opening, tool=delta.index, custom=delta.custom))
        elif isinstance(delta, ReasoningDelta):
            self._muse(delta.text)
        elif isinstance(delta, ReasoningEnd):
            self._think(delta)
        elif isinstance(delta, Ended):
            self._finish, self._stop_sequence = delta.finish, delta.stop_sequence
            return start + self._drain(last=True)
        elif isinstance(delta, Used):
            self._usage = delta.usage
        return start + self._drain(last=False)

    def close(self) -> bytes:
        """The rest of the blocks, the stop reason with the counts, and the end."""
        start = b"" if self._started else self._start()
        change = {
            "type": "message_delta",
            "delta": {
                "stop_reason": stop_reason_of(self._finish, self._stop_sequence, refused=self._refused),
                "stop_sequence": self._stop_sequence,
            },
            "usage": wire_usage(self._usage),
        }
        return start + self._drain(last=True) + _event(change) + _event({"type": "message_stop"})

    def fault(self, fault: Fault) -> bytes:
        return sse.encode(error_event(fault), "error")

    def shows(self, delta: Delta) -> bool:
        """Everything that commits but annotations, and thinking."""
        return isinstance(delta, ReasoningDelta) or (delta.commits and not isinstance(delta, Annotated))

    # -- filling the queue

    def _say(self, text: str) -> None:
        last = self._queue[-1] if self._queue else None
        if last is None or last.start["type"] != "text":
            last = _Block({"type": "text", "text": ""})
            self._queue.append(last)
        last.add(text)

    def _argue(self, delta: ToolArguments) -> None:
        for block in self._queue:
            if block.tool == delta.index:
                block.add(delta.text)
                return

    def _musing(self) -> _Block | None:
        """The thinking block that is not complete yet."""
        last = self._queue[-1] if self._queue else None
        return last if last is not None and last.start["type"] == "thinking" and not last.signature else None

    def _muse(self, text: str) -> None:
        block = self._musing()
        if block is None:
            # A client takes the text and the signature of a thinking block from its deltas.
            block = _Block({"type": "thinking", "thinking": "", "signature": ""})
            self._queue.append(block)
        block.add(text)

    def _think(self, delta: ReasoningEnd) -> None:
        musing = self._musing()
        if musing is not None:
            musing.signature = signature(delta.opaque)
            return
        block = thinking_block(Reasoning("", delta.opaque))
        if block is not None and block["type"] == "thinking":
            self._muse("")
            self._queue[-1].signature = block["signature"]
        elif block is not None:
            self._queue.append(_Block(block))

    # -- emptying it

    def _drain(self, *, last: bool) -> bytes:
        out = b""
        queue = self._queue
        while queue:
            block = queue[0]
            if not block.opened:
                out += self._open(block)
            ends = last or (len(queue) > 1 and block.whole)
            if block.kept and (ends or not block.custom):
                out += self._deltas(block)
            if not ends:
                break
            if block.start["type"] == "thinking":
                out += self._delta({"type": "signature_delta", "signature": block.signature or PLAIN})
            out += _event({"type": "content_block_stop", "index": self._index})
            self._index += 1
            del queue[0]
        return out

    def _open(self, block: _Block) -> bytes:
        block.opened = True
        block.lead = _TEXT % self._index if block.start["type"] == "text" else b""
        return _event({"type": "content_block_start", "index": self._index, "content_block": block.start})

    def _deltas(self, block: _Block) -> bytes:
        text = "".join(block.kept)
        block.kept.clear()
        if block.start["type"] == "thinking":
            return self._delta({"type": "thinking_delta", "thinking": text})
        if block.tool < 0:
            return self._delta({"type": "text_delta", "text": text})
        if block.custom:
            text = orjson.dumps({"input": text}).decode()
        block.sent.append(text)
        return self._delta({"type": "input_json_delta", "partial_json": text})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _start(self, tier: str | None = None) -> bytes:
        self._started = True
        message: dict[str, Any] = {
            "id": self._context.id,
            "type": "message",
            "role": "assistant",
            "model": self._context.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": wire_usage(None, tier),
        }
        return _event({"type": "message_start", "message": message})


def aside(facts: Mapping[str, Json], context: Context) -> bytes:  # noqa: ARG001 - one shape for every dialect
    """An event of a name of its own: Anthropic's SDKs pass over names that they do not know."""
    return _event({"type": "sidestep", "sidestep": facts})


def _is_json(text: str) -> bool:
    if not text.endswith("}"):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _event(value: dict[str, Any]) -> bytes:
    return sse.encode(orjson.dumps(value), value["type"])
