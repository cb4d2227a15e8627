"""The conversation as Anthropic wants it: system blocks, then turns that alternate.

Rules (Anthropic's Messages and tool-use pages): the first turn is the user's; turns of one role are merged; a turn
that calls tools is answered by the very next user turn, results first, one for every call; calls close their turn;
text is never blank; a system message among the turns follows a user turn and precedes an assistant turn or the end.

The items are walked in segments: a run of assistant items, then a run of everything else, and so on. What had to be
moved, added or wrapped to keep the rules is reported. Odd cases: an assistant turn with nothing left in it vanishes
(its neighbours merge); a user turn with nothing left gets a placeholder; ids that Anthropic's pattern forbids, or that
came twice, are rewritten from the id and its place alone, so that a repeated request gets the same ids.
"""

import hashlib
import re
from collections import deque
from collections.abc import Sequence
from typing import Any

from translators.anthropic_messages.parts import Block, Scribe
from translators.anthropic_messages.thinking import earlier, origin_of
from translators.anthropic_messages.wire import NAMES, as_input, is_tool_name, tool_name
from translators.ir import Item, Message, Reasoning, Text, ToolCall, ToolResult

EMPTY = "(empty)"
OPENING = "Begin."
GO_ON = "Continue."
NO_RESULT = "No result was given for this call."

_ID = re.compile(r"[A-Za-z0-9_-]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_SYSTEM = ("system", "developer")

Turn = dict[str, Any]


def conversation(scribe: Scribe) -> tuple[list[Block], list[Turn]]:
    """System blocks and messages of the request, ready for the body; losses are in the scribe's report."""
    items = scribe.items
    system: list[Block] = []
    start = 0
    while start < len(items) and (message := _system_message(items[start])) is not None:
        blocks = scribe.blocks(message.parts, start, _named(scribe, message, start))
        if any(block["type"] != "text" for block in blocks):
            scribe.refuse(start, "", "a leading system message is text")
        system.extend(block for block in blocks if block["type"] == "text")
        start += 1
    turns = _Turns(scribe)
    while start < len(items):
        end = _segment_end(items, start)
        if _is_assistant(items[start]):
            turns.assistant(start, end)
        else:
            turns.others(start, end)
        start = end
    return system, turns.finish()


def _system_message(item: Item) -> Message | None:
    return item if type(item) is Message and item.role in _SYSTEM else None


def _is_user(item: Item) -> bool:
    return type(item) is ToolResult or (type(item) is Message and item.role == "user")


def _is_blank(item: Item) -> bool:
    """Whether a message that says nothing is all that is lost where it is left out."""
    return type(item) is Message and all(type(part) is Text and part.opaque is None for part in item.parts)


def _is_assistant(item: Item) -> bool:
    return type(item) is not ToolResult and (type(item) is not Message or item.role == "assistant")


def _segment_end(items: Sequence[Item], start: int) -> int:
    kind = _is_assistant(items[start])
    end = start + 1
    while end < len(items) and _is_assistant(items[end]) == kind:
        end += 1
    return end


def _named(scribe: Scribe, message: Message, position: int) -> str:
    """The prefix that stands for a speaker's name."""
    if not message.name:
        return ""
    scribe.report.approximated(scribe.path(position, ".name"), "said as a prefix of the text")
    return f"{message.name}: "


class _Call:
    """One call of the last assistant turn, waiting for its result."""

    __slots__ = ("id", "position", "result")

    def __init__(self, wire_id: str, position: int) -> None:
        self.id = wire_id
        self.position = position
        self.result: Block | None = None


class _Turns:
    def __init__(self, scribe: Scribe) -> None:
        self._scribe = scribe
        self._origin: str | None = None
        self._turns: list[Turn] = []
        self._calls: list[_Call] = []
        self._waiting: dict[str, deque[_Call]] = {}
        """The same calls by the id the client gave them, those without a result yet."""
        self._ids: dict[str, int] = {}
        """How often each id was used."""

    # -- the assistant's turn

    def assistant(self, start: int, end: int) -> None:
        """Adds the turn made of items `start` to `end`; calls close it, thinking keeps its place."""
        scribe, blocks, calls_first = self._scribe, [], False
        for position in range(start, end):
            item = scribe.items[position]
            if type(item) is Message:
                if item.phase is not None:
                    scribe.report.dropped(scribe.path(position, ".phase"), "anthropic has no phases")
                said = scribe.blocks(item.parts, position, _named(scribe, item, position))
                calls_first = calls_first or (bool(self._calls) and _speaks(said))
                blocks += said
            elif type(item) is ToolCall:
                blocks.append(self._tool_use(item, position))
            elif type(item) is Reasoning:
                block = self._earlier(item, position)
                if block is not None:
                    calls_first = calls_first or bool(self._calls)
                    blocks.append(block)
        if calls_first:
            blocks.sort(key=lambda block: block["type"] == "tool_use")
        if blocks:
            self._add("assistant", blocks)
        elif any(map(_is_blank, scribe.items[start:end])):
            self._approximate(start, "", "a message with nothing left in it was left out")

    def _earlier(self, item: Reasoning, position: int) -> Block | None:
        if self._origin is None:
            self._origin = origin_of(self._scribe.profile)
        block = earlier(item, self._origin)
        if block is None and (item.text or item.opaque is not None):
            self._scribe.leave_behind(position, "", item.opaque)
        return block

    def _tool_use(self, call: ToolCall, position: int) -> Block:
        wire_id = self._wire_id(call.id)
        waiting = _Call(wire_id, position)
        self._calls.append(waiting)
        self._waiting.setdefault(call.id, deque()).append(waiting)
        if call.custom:
            arguments, wrong = {"input": call.arguments}, None
        else:
            arguments, wrong = as_input(call.arguments)
        if wrong is not None:
            field = self._scribe.path(position, ".arguments")
            if "_raw" in arguments:
                self._scribe.report.refused(field, f"the arguments are {wrong}")
            else:
                self._scribe.report.approximated(field, "the arguments are no object and were wrapped")
        name = call.name
        if not is_tool_name(name):
            self._scribe.refuse(position, ".function.name", NAMES)
            name = tool_name(name)
        block: Block = {"type": "tool_use", "id": wire_id, "name": name, "input": arguments}
        if call.cache is not None:
            block["cache_control"] = call.cache
        if call.opaque is not None:
            self._scribe.leave_behind(position, ".opaque", call.opaque)
        return block

    def _wire_id(self, given: str) -> str:
        wire_id = given
        if not _ID.fullmatch(given):
            wire_id = f"{_UNSAFE.sub('_', given)}_{hashlib.sha256(given.encode()).hexdigest()[:8]}"
        base = wire_id
        while wire_id in self._ids:
            self._ids[base] += 1
            wire_id = f"{base}_{self._ids[base]}"
        self._ids[wire_id] = 1
        return wire_id

    # -- everything between two assistant turns

    def others(self, start: int, end: int) -> None:
        """Adds the user turn made of items `start` to `end`: results in call order, then text, then, where the model
        takes it there, what the system said meanwhile."""
        scribe, text, system = self._scribe, [], []
        last_user = next((at for at in range(end - 1, start - 1, -1) if _is_user(scribe.items[at])), -1)
        for position in range(start, end):
            item = scribe.items[position]
            if type(item) is ToolResult:
                self._result(item, position)
            elif type(item) is Message:
                lead = _named(scribe, item, position)
                if item.role == "user":
                    text += scribe.blocks(item.parts, position, lead)
                elif scribe.profile.system_anywhere and last_user >= 0:
                    system += scribe.blocks(item.parts, position, lead)
                    if position < last_user:
                        self._approximate(position, ".role", "moved behind the user's turn")
                else:
                    text += _wrapped(scribe.blocks(item.parts, position, lead))
                    self._approximate(position, ".role", "a later system message became user text")
        blocks = self._results() + text
        if not blocks:
            self._approximate(start, "", "empty content became a placeholder")
            blocks = [{"type": "text", "text": EMPTY}]
        self._add("user", blocks)
        if system:
            self._add("system", system)

    def _approximate(self, position: int, suffix: str, why: str) -> None:
        self._scribe.report.approximated(self._scribe.path(position, suffix), why)

    def _result(self, item: ToolResult, position: int) -> None:
        waiting = self._waiting.get(item.call_id)
        if not waiting:
            why = "no call of the turn before has this id" if waiting is None else "the call has its result already"
            self._scribe.refuse(position, "", why)
            return
        call = waiting.popleft()
        call.result = {"type": "tool_result", "tool_use_id": call.id}
        content = self._scribe.blocks(item.parts, position)
        if content:
            call.result["content"] = content
        if item.is_error:
            call.result["is_error"] = True
        if item.cache is not None:
            call.result["cache_control"] = item.cache

    def _results(self) -> list[Block]:
        """The results of the turn before, in call order; a call without one gets an error in its place."""
        blocks: list[Block] = []
        for call in self._calls:
            if call.result is None:
                self._approximate(call.position, "", "a call without a result was answered with an error")
                call.result = {
                    "type": "tool_result",
                    "tool_use_id": call.id,
                    "content": [{"type": "text", "text": NO_RESULT}],
                    "is_error": True,
                }
            blocks.append(call.result)
        self._calls, self._waiting = [], {}
        return blocks

    # -- putting turns together

    def _add(self, role: str, blocks: list[Block]) -> None:
        """Appends a turn, merging it into the last one of the same role."""
        if not self._turns and role == "assistant":
            self._open()
        turns = self._turns
        # A user turn directly behind a system message follows an assistant turn that vanished: it goes before it.
        behind = turns.pop() if role == "user" and turns and turns[-1]["role"] == "system" else None
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
        if behind is not None:
            turns.append(behind)

    def _open(self) -> None:
        self._scribe.report.approximated("messages", "a first user turn was added")
        self._turns.append({"role": "user", "content": [{"type": "text", "text": OPENING}]})

    def finish(self) -> list[Turn]:
        """All turns, with the ends put right: never empty, never a call unanswered, no refused prefill."""
        if not self._turns:
            self._open()
        if self._calls:
            self._add("user", self._results())
        last = self._turns[-1]
        if last["role"] == "assistant":
            self._prefill(last)
        return self._turns

    def _prefill(self, last: Turn) -> None:
        final = last["content"][-1]
        if not self._scribe.profile.prefill:
            position = len(self._scribe.items) - 1
            self._scribe.refuse(position, "", "the model takes no assistant message at the end")
            self._add("user", [{"type": "text", "text": GO_ON}])
        elif final["type"] == "text":
            final["text"] = final["text"].rstrip()


def _speaks(blocks: list[Block]) -> bool:
    """Whether any of the blocks is the model's own and not a server tool's, which may stand behind calls."""
    return any(block["type"] == "text" for block in blocks)


def _wrapped(blocks: list[Block]) -> list[Block]:
    """What the system said, as user text that says so."""
    return [
        {**block, "text": f"<system>\n{block['text']}\n</system>"} if block["type"] == "text" else block
        for block in blocks
    ]
