"""Whole answers: an Anthropic message read into a Reply, and a Reply written as an Anthropic message.

Text blocks in a row become one text, as they do in a stream. Blocks of tools that the vendor ran itself
(`server_tool_use` and every `*_tool_result`) are not the caller's to answer: they are kept whole as `Foreign` parts, to
be sent back in their place; what was found shows in the text and its citations. A refusal ends in a refusal part; calls
made before it are not to be run and are left out, which is told. Source: Anthropic's Messages reference (Message,
content blocks, stop reasons).
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import orjson
from msgspec import Struct

from translators.anthropic_messages.beside import (
    CALLS_DECLINED,
    Citation,
    StopDetails,
    cited,
    documents_cited,
    explanation,
    lost_at_end,
)
from translators.anthropic_messages.faults import parse_fault
from translators.anthropic_messages.marks import thinking_block
from translators.anthropic_messages.paused import continued_whole
from translators.anthropic_messages.wire import (
    DIALECT,
    PAUSE,
    WireUsage,
    as_input,
    finish_of,
    free_text,
    stop_reason_of,
    wire_usage,
)
from translators.codec import Context, Seen
from translators.counts import uncounted
from translators.faults import Failure, ProtocolFault
from translators.ir import (
    Choice,
    Finish,
    Foreign,
    Item,
    Json,
    Lost,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Reply,
    Text,
    ToolCall,
)
from translators.profile import Profile


class Block(Struct):
    """Any content block: the fields of those that mean something here."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")
    citations: list[Citation] | None = None


class _Head(Struct):
    """A message without its content, or an error."""

    type: str = ""
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: WireUsage | None = None


class _Whole(_Head):
    content: list[Block] | None = None


_H = TypeVar("_H", bound=_Head)
NAMELESS = "its answer has a tool call without a name"

_decode_head = msgspec.json.Decoder(_Head).decode
_decode_whole = msgspec.json.Decoder(_Whole).decode


def parse_reply(body: bytes, profile: Profile) -> Reply:
    """Raises Failure for an error dressed as a 200, ProtocolFault for what is no whole message."""
    message = _decoded(body, _decode_whole)
    stop_reason = _check(message, body, profile)
    if message.content is None:
        raise ProtocolFault("its message has no content")
    usage = message.usage
    pause = continued_whole(body) if stop_reason == PAUSE and profile.hosted_tools else None
    choice, lost = _choice(message, message.content, finish_of(stop_reason, profile), profile, body)
    return Reply(
        id=message.id,
        model=message.model,
        choices=(choice,),
        usage=None if usage is None else usage.neutral(),
        service_tier=None if usage is None else usage.tier(),
        continued=pause,
        lost=(*lost, *lost_at_end(stop_reason, message.stop_details)),
    )


def inspect_reply(body: bytes, profile: Profile) -> Seen:
    """Id, model, usage and finish of an answer that is passed on as it came; raises as `parse_reply` does."""
    message = _decoded(body, _decode_head)
    finish = finish_of(_check(message, body, profile), profile)
    return Seen(message.id, message.model, None if message.usage is None else message.usage.neutral(), finish)


def _decoded(body: bytes, decode: Callable[[bytes], _H]) -> _H:
    """What a decoder skips it does not look at, and what is passed on must be UTF-8 as a whole."""
    try:
        if not body.isascii():
            body.decode()
        return decode(body)
    except msgspec.ValidationError:
        read = uncounted(body, decode)
        if read is None:
            raise ProtocolFault("its answer is not an Anthropic message") from None
        return read
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolFault("its answer is not an Anthropic message") from None


def _check(message: _Head, body: bytes, profile: Profile) -> str:
    """The stop reason of what is a whole message."""
    if message.type == "error":
        raise Failure(parse_fault(200, body, profile))
    if message.type != "message":
        raise ProtocolFault("its answer is not an Anthropic message")
    if message.stop_reason is None:
        raise ProtocolFault("its message has no stop_reason")
    return message.stop_reason


def _choice(
    message: _Head, content: list[Block], finish: Finish, profile: Profile, body: bytes
) -> tuple[Choice, list[Lost]]:
    """What was said, and what of it has no neutral form."""
    said = _Items()
    kept: list[Json] = []
    declined = finish is Finish.CONTENT_FILTER
    for at, block in enumerate(content):
        if block.type == "text":
            said.text(block)
        elif block.type == "tool_use":
            if not declined:
                said.add(_call(block, profile))
        elif block.type == "thinking":
            opaque = Opaque("signature", block.signature, profile.origin(DIALECT)) if block.signature else None
            said.add(Reasoning(block.thinking or "", opaque))
        elif block.type == "redacted_thinking":
            said.add(Reasoning("", Opaque("redacted", block.data or "", profile.origin(DIALECT))))
        elif block.type:
            kept = kept or _blocks(body)
            said.part(Foreign(DIALECT, block.type, kept[at]))
    refusal = explanation(message.stop_details) if declined else None
    if refusal is not None and any(block.type == "tool_use" for block in content):
        said.lose([CALLS_DECLINED])
    items = said.close(refusal)
    annotations = tuple(said.annotations)
    return Choice(items, finish, stop_sequence=message.stop_sequence, annotations=annotations), said.lost


def _blocks(body: bytes) -> list[Json]:
    """The blocks of a message as they came. Raises ProtocolFault where they cannot be sent on."""
    try:
        return list(orjson.loads(body)["content"])
    except orjson.JSONDecodeError:
        raise ProtocolFault("its answer is no valid JSON") from None


class _Items:
    """Collects an answer's items; a message stays open until something else comes, and in it a text."""

    __slots__ = ("_items", "_length", "_open", "_parts", "annotations", "lost")

    def __init__(self) -> None:
        self.annotations: list[dict[str, Json]] = []
        self.lost: list[Lost] = []
        self._items: list[Item] = []
        self._parts: list[Part] = []
        self._open: list[str] = []
        self._length = 0

    def text(self, block: Block) -> None:
        text = block.text or ""
        if text:
            self._open.append(text)
        end = self._length + len(text)
        if block.citations:
            self.annotations += cited(block.citations, self._length, end)
            self.lose(documents_cited(block.citations))
        self._length = end

    def lose(self, lost: list[Lost]) -> None:
        self.lost += [one for one in lost if one not in self.lost]

    def part(self, part: Part) -> None:
        if self._open:
            self._parts.append(Text("".join(self._open)))
            self._open.clear()
        self._parts.append(part)

    def add(self, item: Item) -> None:
        self._close()
        self._items.append(item)

    def close(self, refusal: str | None) -> tuple[Item, ...]:
        if refusal is not None:
            self.part(Refusal(refusal))
        self._close()
        return tuple(self._items)

    def _close(self) -> None:
        parts = [*self._parts, Text("".join(self._open))] if self._open else self._parts
        if parts:
            self._items.append(Message("assistant", tuple(parts)))
            self._parts, self._open = [], []


def _call(block: Block, profile: Profile) -> ToolCall:
    arguments = bytes(block.input).decode() or "{}"
    if not block.name:
        raise ProtocolFault(NAMELESS)
    if block.name in profile.custom_tools:
        return ToolCall(block.id or "", block.name, free_text(arguments), custom=True)
    return ToolCall(block.id or "", block.name, arguments)


# -- written for an Anthropic client -----------------------------------------------------------------------------


def render_reply(reply: Reply, context: Context) -> bytes:
    """The first choice as a message; a client of this dialect asked for one."""
    choice = reply.choices[0]
    content: list[dict[str, Any]] = []
    for item in choice.items:
        if isinstance(item, Message):
            content += [block for block in map(_part_block, item.parts) if block is not None]
        elif isinstance(item, ToolCall):
            content.append(call_block(item))
        elif isinstance(item, Reasoning):
            block = thinking_block(item)
            if block is not None:
                content.append(block)
    return orjson.dumps(
        {
            "id": context.id,
            "type": "message",
            "role": "assistant",
            "model": context.model,
            "content": content,
            "stop_reason": stop_reason_of(choice.finish, choice.stop_sequence, refused=_refuses(choice)),
            "stop_sequence": choice.stop_sequence,
            "usage": wire_usage(reply.usage, reply.service_tier),
        }
    )


def _refuses(choice: Choice) -> bool:
    return any(isinstance(part, Refusal) for item in choice.items if isinstance(item, Message) for part in item.parts)


def _part_block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text} if part.text else None
    if isinstance(part, Foreign) and part.dialect == DIALECT and isinstance(part.value, dict):
        return part.value
    return None


def call_block(call: ToolCall) -> dict[str, Any]:
    arguments = {"input": call.arguments} if call.custom else as_input(call.arguments)[0]
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}
