"""Chunks that are not in OpenAI's form, for clients to which a stream is relayed.

OpenAI's SDKs read the `delta` of every choice of every chunk, and many clients the first choice without a look. So a
choice with a whole `message` in place of its delta (MiniMax, Perplexity) gets the delta that it is, with what was not
told before; one with neither (Azure's late filter results) gets an empty one; and a leading chunk without choices
(Azure's filter results for the prompt) becomes part of the next one. Everything else in them passes.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from translators.ir import (
    Annotated,
    Delta,
    Json,
    Kept,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
)
from translators.openai.text import dumps

_WORDS = {TextDelta: "content", ReasoningDelta: "reasoning_content", RefusalDelta: "refusal"}
_WHOLE = {Annotated: "annotations", Kept: "images", TextSigned: "extra_content", ReasoningEnd: "reasoning_details"}
"""What is taken from the message as it stands where a delta says that it is new."""
_TOLD = frozenset((*_WORDS.values(), *_WHOLE.values(), "reasoning", "thinking_blocks", "tool_calls", "function_call"))
"""Fields of a message that deltas tell; others pass."""


def reshaped(data: bytes, deltas: Sequence[Delta], places: Sequence[int]) -> bytes:
    """The chunk with a delta in its choices at `places`, that says what `deltas` do."""
    chunk = orjson.loads(data)
    for place in places:
        choice = chunk["choices"][place]
        message = choice.pop("message", None) or {}
        index = choice.get("index") or 0
        mine = [delta for delta in deltas if getattr(delta, "choice", None) == index]
        choice["delta"] = {**(choice.get("delta") or {}), **_fields(mine, message)}
    return dumps(chunk)


def led(head: bytes, data: bytes) -> bytes:
    """The chunk with what the one before it, which had no choices, said beside them."""
    chunk = orjson.loads(data)
    return dumps({**chunk, **{name: one for name, one in orjson.loads(head).items() if name not in chunk}})


def _fields(deltas: Sequence[Delta], message: dict[str, Json]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: one for name, one in message.items() if name not in _TOLD and one is not None}
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        word = _WORDS.get(type(delta))
        whole = _WHOLE.get(type(delta))
        if word is not None:
            fields[word] = fields.get(word, "") + delta.text  # type: ignore[attr-defined] # each of them has one
        elif whole is not None and message.get(whole):
            fields[whole] = message[whole]
        elif isinstance(delta, ToolStart):
            calls[delta.index] = _begun(delta)
        elif isinstance(delta, ToolArguments):
            _argue(calls.setdefault(delta.index, {"index": delta.index, "function": {"arguments": ""}}), delta.text)
    if calls:
        fields["tool_calls"] = list(calls.values())
    if message.get("audio"):  # whose transcript is the text
        fields.pop("content", None)
        fields["audio"] = message["audio"]
    return fields


def _begun(start: ToolStart) -> dict[str, Any]:
    if start.custom:
        return {"index": start.index, "id": start.id, "type": "custom", "custom": {"name": start.name, "input": ""}}
    function = {"name": start.name, "arguments": ""}
    return {"index": start.index, "id": start.id, "type": "function", "function": function}


def _argue(call: dict[str, Any], text: str) -> None:
    if "custom" in call:
        call["custom"]["input"] += text
    else:
        call["function"]["arguments"] += text
