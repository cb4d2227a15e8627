"""Whole answers: read as a stream of one event, so that both say the same, and written for a Gemini client.

A whole answer that Gemini wants to be asked on for (`CONTINUATION`) counts as cut by its bound where nobody asks.
Source: Google's Gemini API reference (GenerateContentResponse).
"""

from typing import Any

import orjson
from msgspec import structs

from translators.codec import Context, Seen
from translators.fold import fold
from translators.gemini.answer import decode, loaded
from translators.gemini.grounding import Ruler, grounding
from translators.gemini.reader import Reader
from translators.gemini.wire import (
    DIALECT,
    FINISH_REASONS,
    as_args,
    marked,
    signed,
    wire_usage,
)
from translators.ir import (
    Choice,
    Continued,
    Delta,
    Ended,
    Finish,
    Foreign,
    Item,
    Json,
    Message,
    Part,
    Reasoning,
    Refusal,
    Reply,
    Text,
    ToolCall,
)
from translators.profile import Profile


def parse_reply(body: bytes, profile: Profile) -> Reply:
    """Raises Failure for an error dressed as a 200 and for an answer that came to nothing, ProtocolFault for what is no
    whole answer."""
    reader = Reader(profile)
    deltas: list[Delta] = []
    for answer in decode(body, "its answer"):
        reader.read(answer, body, deltas)
    pause = next((delta for delta in deltas if isinstance(delta, Continued)), None)
    reply = fold(Ended(Finish.LENGTH) if isinstance(delta, Continued) else delta for delta in deltas)
    if pause is not None:
        return structs.replace(reply, continued=pause)
    reader.close()  # a candidate that said nothing, not even its end, is none that may be left out
    return reply


def inspect_reply(body: bytes, profile: Profile) -> Seen:
    """What an answer that is passed on tells; its signatures get the mark of their maker. Raises as `parse_reply`."""
    reply = parse_reply(body, profile)
    return Seen(reply.id, reply.model, reply.usage, reply.choices[0].finish, marked_body(body, profile.origin(DIALECT)))


def marked_body(body: bytes, origin: str) -> bytes | None:
    """The answer with its signed parts marked; None where none is signed."""
    if b'"thoughtSignature"' not in body:
        return None
    value = loaded(body)
    for answer in value if isinstance(value, list) else [value]:
        for candidate in answer.get("candidates") or ():
            content = candidate.get("content")
            if content and content.get("parts"):
                content["parts"] = [marked(part, origin) for part in content["parts"]]
    return orjson.dumps(value)


# -- written for a Gemini client ---------------------------------------------------------------------------------


def render_reply(reply: Reply, context: Context) -> bytes:
    answer: dict[str, Any] = {"candidates": [_candidate(choice) for choice in reply.choices]}
    if reply.usage is not None:
        answer["usageMetadata"] = wire_usage(reply.usage)
    return orjson.dumps({**answer, "modelVersion": context.model, "responseId": context.id})


def _candidate(choice: Choice) -> dict[str, Any]:
    filtered = choice.finish is Finish.CONTENT_FILTER
    parts = [part for item in choice.items for part in _item_parts(item, filtered=filtered)]
    said = candidate(choice.index, parts, choice.finish, _refusal(choice) if filtered else None)
    grounded = grounding(choice.annotations, _ruler(choice)) if choice.annotations else {}
    return {**said, "groundingMetadata": grounded} if grounded else said


def _ruler(choice: Choice) -> Ruler:
    ruler = Ruler()
    for item in choice.items:
        for part in item.parts if isinstance(item, Message) else ():
            if isinstance(part, Text):
                ruler.add(part.text)
    return ruler


def candidate(index: int, parts: list[dict[str, Any]], finish: Finish | None, message: str | None) -> dict[str, Any]:
    """One entry of `candidates`; `message` says why a filtered answer ended."""
    said: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index}
    if finish is not None:
        said["finishReason"] = FINISH_REASONS[finish]
    if message:
        said["finishMessage"] = message
    return said


def _refusal(choice: Choice) -> str:
    parts = [part for item in choice.items if isinstance(item, Message) for part in item.parts]
    return "".join(part.text for part in parts if isinstance(part, Refusal))


def _item_parts(item: Item, *, filtered: bool) -> list[dict[str, Any]]:
    if isinstance(item, Message):
        return [said for part in item.parts if (said := message_part(part, filtered=filtered)) is not None]
    if isinstance(item, ToolCall):
        return [call_part(item)]
    if isinstance(item, Reasoning):
        return [signed({"text": item.text, "thought": True}, item.opaque)]
    return []


def message_part(part: Part, *, filtered: bool) -> dict[str, Any] | None:
    """A refusal is the reason of a filtered answer, and text in any other."""
    if isinstance(part, Text):
        return signed({"text": part.text}, part.opaque)
    if isinstance(part, Refusal):
        return None if filtered else {"text": part.text}
    if isinstance(part, Foreign) and part.dialect == DIALECT and isinstance(part.value, dict):
        return part.value
    return None


def call_part(call: ToolCall) -> dict[str, Any]:
    args: Json = {"input": call.arguments} if call.custom else as_args(call.arguments)[0]
    return signed({"functionCall": {"id": call.id, "name": call.name, "args": args}}, call.opaque)
