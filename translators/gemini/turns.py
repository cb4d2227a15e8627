"""The conversation as Gemini wants it: a system instruction, then contents of user and model in turns.

Rules (Google's function calling and thought signature pages): there is at least one content and the first is the
user's; a content that calls functions is answered by the next one, with a response for every call, in call order, each
by the function's name; parts stay where they stood, and a signed part is never merged with another; on models that
demand it, the first call of every step is signed, if need be with the word Google takes for calls it did not make.

What had to be moved, added or wrapped to keep the rules is reported. A model's turn with nothing left in it vanishes,
its neighbours merge; a user's gets a placeholder.
"""

from collections import deque
from typing import Any

import orjson

from translators.gemini.parts import Scribe, WirePart
from translators.gemini.wire import SKIP_SIGNATURE, as_args, is_own_id, too_deep
from translators.ir import Item, Json, Message, Reasoning, ToolCall, ToolResult

EMPTY = "(empty)"
OPENING = "Begin."
GO_ON = "Continue."
NO_RESULT = "No result was given for this call."

_SYSTEM = ("system", "developer")

Content = dict[str, Any]


def conversation(scribe: Scribe) -> tuple[list[WirePart], list[Content]]:
    """Parts of the system instruction, and contents; losses are in the scribe's report."""
    items = scribe.items
    system: list[WirePart] = []
    start = 0
    while start < len(items) and (message := _system_message(items[start])) is not None:
        parts = scribe.parts(message.parts, start, _named(scribe, message, start))
        if any("text" not in part for part in parts):
            scribe.refuse(start, "", "a leading system message is text")
        system += [part for part in parts if "text" in part]
        start += 1
    contents = _Contents(scribe)
    while start < len(items):
        end = start + 1
        while end < len(items) and _is_model(items[end]) == _is_model(items[start]):
            end += 1
        if _is_model(items[start]):
            contents.model(start, end)
        else:
            contents.user(start, end)
        start = end
    return system, contents.finish()


def _system_message(item: Item) -> Message | None:
    return item if isinstance(item, Message) and item.role in _SYSTEM else None


def _is_model(item: Item) -> bool:
    return not isinstance(item, ToolResult) and (not isinstance(item, Message) or item.role == "assistant")


def _named(scribe: Scribe, message: Message, position: int) -> str:
    """The prefix that stands for a speaker's name."""
    if not message.name:
        return ""
    scribe.approximate(position, ".name", "said as a prefix of the text")
    return f"{message.name}: "


class _Call:
    """One call of the last model content, waiting for its result."""

    __slots__ = ("id", "name", "position", "response")

    def __init__(self, call: ToolCall, position: int) -> None:
        self.id = call.id
        self.name = call.name
        self.position = position
        self.response: WirePart | None = None


class _Contents:
    def __init__(self, scribe: Scribe) -> None:
        self._scribe = scribe
        self._contents: list[Content] = []
        self._calls: list[_Call] = []
        self._waiting: dict[str, deque[_Call]] = {}
        """The same calls by id, those without a result yet."""

    # -- the model's turn

    def model(self, start: int, end: int) -> None:
        scribe, parts = self._scribe, []
        for position in range(start, end):
            item = scribe.items[position]
            if isinstance(item, Message):
                if item.phase is not None:
                    scribe.report.dropped(scribe.path(position, ".phase"), "gemini has no phases")
                parts += scribe.parts(item.parts, position, _named(scribe, item, position))
            elif isinstance(item, ToolCall):
                parts.append(self._call(item, position))
            elif isinstance(item, Reasoning):
                parts += self._earlier(item, position)
        if scribe.profile.call_signatures:
            first = next((part for part in parts if "functionCall" in part), None)
            if first is not None:
                first.setdefault("thoughtSignature", SKIP_SIGNATURE)
        if parts:
            self._add("model", parts)
        else:
            scribe.approximate(start, "", "a message with nothing left in it was left out")

    def _earlier(self, item: Reasoning, position: int) -> list[WirePart]:
        opaque = item.opaque
        if opaque is not None and opaque.form == "signature" and opaque.origin == self._scribe.origin:
            return [{"text": item.text, "thought": True, "thoughtSignature": opaque.data}]
        if item.text or opaque is not None:
            self._scribe.leave_behind(position, "")
        return []

    def _call(self, call: ToolCall, position: int) -> WirePart:
        scribe = self._scribe
        scribe.no_marker(call.cache, position)
        waiting = _Call(call, position)
        self._calls.append(waiting)
        self._waiting.setdefault(call.id, deque()).append(waiting)
        args, problem = ({"input": call.arguments}, None) if call.custom else as_args(call.arguments)
        if problem is not None:
            if "_raw" in args:
                scribe.refuse(position, ".arguments", f"the arguments are {problem}")
            else:
                scribe.approximate(position, ".arguments", "the arguments are no object and were wrapped")
        said: WirePart = {"name": call.name, "args": args}
        if is_own_id(call.id):
            said["id"] = call.id
        return scribe.signature({"functionCall": said}, call, position)

    # -- everything between two of them

    def user(self, start: int, end: int) -> None:
        """Adds what stands between two model turns: responses in call order, then the rest as it came."""
        scribe, rest = self._scribe, []
        for position in range(start, end):
            item = scribe.items[position]
            if isinstance(item, ToolResult):
                rest += self._result(item, position)
            elif isinstance(item, Message):
                parts = scribe.parts(item.parts, position, _named(scribe, item, position))
                if item.role != "user":
                    parts = _wrapped(parts)
                    scribe.approximate(position, ".role", "a later system message became user text")
                rest += parts
        parts = self._responses() + rest
        if not parts:
            scribe.approximate(start, "", "empty content became a placeholder")
            parts = [{"text": EMPTY}]
        self._add("user", parts)

    def _result(self, item: ToolResult, position: int) -> list[WirePart]:
        """Takes in a result; what of it has no place inside the response is given back."""
        scribe = self._scribe
        scribe.no_marker(item.cache, position)
        waiting = self._waiting.get(item.call_id)
        if not waiting:
            why = "no call of the turn before has this id" if waiting is None else "the call has its result already"
            scribe.refuse(position, "", why)
            return []
        call = waiting.popleft()
        said = scribe.parts(item.parts, position)
        text = "".join(part["text"] for part in said if "text" in part)
        call.response = _response(call, {"error": text} if item.is_error else _value(text))
        media = [part for part in said if "text" not in part]
        if not media or not scribe.profile.result_media:
            if media:
                scribe.approximate(position, "", "files of a result stand behind it")
            return media
        call.response["functionResponse"]["parts"] = media
        return []

    def _responses(self) -> list[WirePart]:
        """The results of the turn before, in call order; a call without one gets an error in its place."""
        parts: list[WirePart] = []
        for call in self._calls:
            if call.response is None:
                why = "a call without a result was answered with an error"
                self._scribe.approximate(call.position, "", why)
                call.response = _response(call, {"error": NO_RESULT})
            parts.append(call.response)
        self._calls, self._waiting = [], {}
        return parts

    # -- putting contents together

    def _add(self, role: str, parts: list[WirePart]) -> None:
        contents = self._contents
        if not contents and role == "model":
            self._open()
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})

    def _open(self) -> None:
        self._scribe.report.approximated("messages", "a first user turn was added")
        self._contents.append({"role": "user", "parts": [{"text": OPENING}]})

    def finish(self) -> list[Content]:
        """All contents, with the ends put right: never none, never a call unanswered, no refused prefill."""
        if not self._contents:
            self._open()
        if self._calls:
            self._add("user", self._responses())
        if self._contents[-1]["role"] == "model" and not self._scribe.profile.prefill:
            position = len(self._scribe.items) - 1
            self._scribe.refuse(position, "", "the model takes no assistant message at the end")
            self._add("user", [{"text": GO_ON}])
        return self._contents


def _response(call: _Call, value: dict[str, Json]) -> WirePart:
    said: WirePart = {"name": call.name, "response": value}
    if is_own_id(call.id):
        said["id"] = call.id
    return {"functionResponse": said}


def _value(text: str) -> dict[str, Json]:
    """What a tool said as the object Gemini wants: its own, unless that would be taken for a wrapped one."""
    if text.startswith("{"):
        try:
            value = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            value = None
        if isinstance(value, dict) and not too_deep(text, value) and value.keys() - {"output", "error"}:
            return value
    return {"output": text}


def _wrapped(parts: list[WirePart]) -> list[WirePart]:
    """What the system said, as user text that says so."""
    return [{**part, "text": f"<system>\n{part['text']}\n</system>"} if "text" in part else part for part in parts]
