"""What must be remembered of one choice of a chat answer while it streams, and its tool calls.

A call starts once its name is known. Its index here is its ordinal, and an id is made up where there is none.

Some servers give the whole message once more at the end of a stream, or instead of its deltas. Of such a one only what
was not told is told; one that says something else than the stream did is a fault.
"""

import json

from msgspec import structs

from translators.faults import ProtocolFault
from translators.ir import Delta, Ended, Json, Lost, ReasoningDelta, ReasoningEnd, TextDelta, ToolArguments, ToolStart
from translators.openai.answers import guessed, passed_over, read_finish
from translators.openai.told import Told
from translators.openai_chat.signatures import read_signature
from translators.openai_chat.wire import WireCall, WireFunction, WireMessage

THOUGHT = ("reasoning", "reasoning_content", "reasoning_details")


class _Call:
    """A tool call under way; it has no index before its name is known."""

    __slots__ = ("id", "index", "name", "shown", "told")

    def __init__(self) -> None:
        self.id = ""
        self.shown = ""
        """Its id as it is told to others."""
        self.name = ""
        self.index = -1
        self.told = Told()


class Said:
    """What must be remembered of one choice."""

    __slots__ = (
        "_calls",
        "_last",
        "_minted",
        "_origin",
        "_slots",
        "_strange",
        "_thought",
        "_thought_of",
        "_told",
        "finish",
        "index",
        "kinds",
        "thinking",
    )

    def __init__(self, index: int, minted: str, origin: str) -> None:
        self.index = index
        self.finish = ""
        self.thinking = False
        self._thought: Json = None
        self._slots: dict[int, _Call] = {}
        self._last: _Call | None = None
        self._calls: list[_Call] = []
        self._strange = False
        """Whether it had a call of a kind that is not known."""
        self._told = Told()
        self._thought_of = False
        self.kinds: set[str] = set()
        """Fields beside text, thinking and calls that something was told of."""
        self._minted = minted
        self._origin = origin

    def think(self, text: str, block: Json, deltas: list[Delta]) -> None:
        """Text of a reasoning block; another `block` number ends the one before."""
        if self.thinking and block != self._thought:
            deltas.append(ReasoningEnd(None, self.index))
        self.thinking = self._thought_of = True
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
        called = bool(self._calls)
        lost = guessed(reason)
        if lost is None and self._strange and not called:
            lost = Lost("answer.finish_reason", "its calls are of a kind that is not known", guessed=True)
        if lost is not None:
            deltas.append(lost)
        deltas.append(Ended(read_finish(reason, called=called), self.index))

    def say(self, text: str, logprobs: Json, deltas: list[Delta]) -> None:
        if self.thinking:
            self.rest(deltas)
        self._told.add(text)
        deltas.append(TextDelta(text, self.index, logprobs))

    def untold(self, message: WireMessage, deltas: list[Delta]) -> WireMessage:
        """What a whole message has beyond what was told; the rest of arguments goes to the deltas at once. Raises
        ProtocolFault where it says something else than was told."""
        content = message.content
        if isinstance(content, list) and self._told.length:
            content = "".join(
                word for part in content if isinstance(part, dict) and isinstance(word := part.get("text"), str)
            )
        if isinstance(content, str):
            content = self._told.rest(content)
        told = dict.fromkeys((*self.kinds, *(THOUGHT if self._thought_of else ())))
        calls = self._untold_calls(message.tool_calls or [], deltas)
        function = None if self._calls else message.function_call
        return structs.replace(message, **{**told, "content": content, "tool_calls": calls, "function_call": function})

    def _untold_calls(self, calls: list[WireCall], deltas: list[Delta]) -> list[WireCall]:
        if 0 < len(calls) < len(self._calls):
            raise ProtocolFault("its whole message has fewer tool calls than its stream")
        for call, wire in zip(self._calls, calls, strict=False):
            if _name(wire) not in ("", call.name):
                raise ProtocolFault("its whole message has other tool calls than its stream")
            rest = call.told.rest(_input(wire))
            if rest:
                self._argue(call, rest, deltas)
        left = list(enumerate(calls))[len(self._calls) :]
        return [wire if wire.index is not None else structs.replace(wire, index=place) for place, wire in left]

    def _argue(self, call: _Call, text: str, deltas: list[Delta]) -> None:
        call.told.add(text)
        deltas.append(ToolArguments(call.index, text, self.index))

    def call(self, wire: WireCall, deltas: list[Delta]) -> None:
        if wire.type not in _KINDS and wire.function is None and wire.custom is None:
            self._strange = True
            deltas.append(passed_over(f"tool_calls.{wire.type}", "a call of a kind that is not known"))
            return
        self.rest(deltas)
        name = _name(wire)
        call = self._slot(wire, name)
        if call.index < 0:
            call.id = call.id or wire.id or ""
            if name:
                self._start(call, name, wire, deltas)
        text = _input(wire)
        if text:
            if call.index < 0:
                raise ProtocolFault("its stream has arguments for a tool call without a name")
            self._argue(call, text, deltas)

    def _start(self, call: _Call, name: str, wire: WireCall, deltas: list[Delta]) -> None:
        call.name = name
        call.index = len(self._calls)
        self._calls.append(call)
        call.id = call.id or mint(self._minted, self.index, call.index)
        call.shown = self._unlike(call.id)
        opaque = read_signature(wire.extra_content, self._origin) if wire.extra_content is not None else None
        deltas.append(ToolStart(call.index, call.shown, name, wire.custom is not None, self.index, opaque))

    def _unlike(self, own: str) -> str:
        """The id of a call, unlike those of the calls before it: a result is told by it."""
        number, used = 1, {call.shown for call in self._calls[:-1]}
        unique = own
        while unique in used:
            number += 1
            unique = f"{own}_{number}"
        return unique

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


_KINDS = (None, "", "function", "custom")


def _name(wire: WireCall) -> str:
    return (wire.custom.name if wire.custom else wire.function.name if wire.function else None) or ""


def _input(wire: WireCall) -> str:
    return (wire.custom.input or "") if wire.custom else _arguments(wire.function)


def _arguments(function: WireFunction | None) -> str:
    """Arguments as text; Mistral may send them parsed."""
    arguments = function.arguments if function is not None else None
    if isinstance(arguments, dict):
        return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)
    return arguments or ""
