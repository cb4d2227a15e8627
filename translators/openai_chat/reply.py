"""Whole chat answers, read and written.

An answer is one only if it has choices with messages; an `error` beside or inside them makes it a failure whatever the
status said. A whole answer is read as a stream of one chunk, so that the two cannot come to differ. `inspect_reply`
reads the little that a relayed answer has to tell without building its content.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import orjson
from msgspec import Struct

from translators.codec import Context, Seen
from translators.faults import Failure, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import (
    Choice,
    Dialect,
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
from translators.openai.answers import FAILED_FINISHES, SERVED, WireUsage, decode, read_finish, read_usage, render_usage
from translators.openai.faults import classify
from translators.openai.media import picture
from translators.openai.text import dumps
from translators.openai_chat.legacy import only_call, says_functions
from translators.openai_chat.reader import ChatReader
from translators.openai_chat.reasoning import has_blob, marked, render_blocks
from translators.openai_chat.signatures import mark, signed_fields
from translators.openai_chat.wire import ANSWER
from translators.openai_chat.writer import finish_reason
from translators.profile import Profile

_T = TypeVar("_T")


class _Call(Struct, gc=False):
    """A call that is only counted."""

    extra_content: Json = None


class _Message(Struct, gc=False):
    tool_calls: list[_Call] | None = None
    function_call: _Call | None = None
    reasoning_details: list[Json] | None = None
    extra_content: Json = None


class _Choice(Struct, gc=False):
    message: _Message | None = None
    finish_reason: str | None = None
    error: Json = None


class _Glance(Struct, gc=False):
    """An answer without its content."""

    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    error: Json = None
    service_tier: Json = None


_GLANCE = msgspec.json.Decoder(_Glance)


def inspect_reply(body: bytes, profile: Profile) -> Seen:
    """Raises Failure for an error dressed as an answer, ProtocolFault for what is no answer."""
    glance = _read(body, _GLANCE)
    if glance.error:
        raise Failure(classify(200, {"error": glance.error}))
    if not glance.choices:
        raise ProtocolFault("its answer has no choices")
    bound = False
    for choice in glance.choices:
        bound = _bound(_message(choice)) or bound
    first = glance.choices[0]
    called = first.message is not None and bool(first.message.tool_calls or first.message.function_call)
    return Seen(  # by place, since names cost as much again
        glance.id or "",
        glance.model or "",
        None if glance.usage is None else read_usage(glance.usage, profile, glance.service_tier),
        read_finish(first.finish_reason or "", called=called),
        _marked(body, profile) if bound else None,
    )


def parse_reply(body: bytes, profile: Profile) -> Reply:
    """Raises as `inspect_reply` does."""
    answer = _read(body, ANSWER)
    for i, choice in enumerate(answer.choices or ()):
        if choice.message is None and not choice.error:
            raise ProtocolFault("its answer has a choice without a message")
        choice.index = i if choice.index is None else choice.index
        choice.delta, choice.message = choice.message, None
        for place, call in enumerate(choice.delta.tool_calls or () if choice.delta is not None else ()):
            call.index = place  # here each is a whole call, whatever it calls itself
    reader = ChatReader(profile)
    reply = fold(reader.read(answer))
    reader.close()
    return reply


def render_reply(reply: Reply, context: Context) -> bytes:
    body: dict[str, Json] = {
        "id": context.id,
        "object": "chat.completion",
        "created": context.created,
        "model": context.model,
        "choices": [_render_choice(choice, context) for choice in reply.choices],
    }
    if reply.usage is not None:
        body["usage"] = render_usage(reply.usage)
    if reply.service_tier in SERVED:
        body["service_tier"] = reply.service_tier
    return dumps(body)


def _read(body: bytes, decoder: "msgspec.json.Decoder[_T]") -> _T:
    try:
        return decode(body, decoder, "its answer")
    except ProtocolFault:
        _raise_wrapped(body)
        raise


def _raise_wrapped(body: bytes) -> None:
    """Google's compatible layer wraps errors in a list."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    if isinstance(value, list) and value and isinstance(value[0], dict) and value[0].get("error"):
        raise Failure(classify(200, value))


def _message(choice: _Choice) -> _Message:
    if choice.error:
        raise Failure(classify(200, {"error": choice.error}))
    if choice.finish_reason in FAILED_FINISHES:
        raise Failure(classify(200, {"error": {"code": choice.finish_reason}}))
    if choice.message is None:
        raise ProtocolFault("its answer has a choice without a message")
    if not choice.finish_reason:
        raise Truncated("its answer has a choice without a finish reason")
    return choice.message


def _bound(message: _Message) -> bool:
    if message.extra_content is not None:
        return True
    if message.tool_calls and any(call.extra_content is not None for call in message.tool_calls):
        return True
    return any(map(has_blob, message.reasoning_details)) if message.reasoning_details else False


def _marked(body: bytes, profile: Profile) -> bytes:
    """The answer with each blob told where it may go back to."""
    answer = orjson.loads(body)
    origin = profile.origin(Dialect.OPENAI_CHAT)
    for choice in answer["choices"]:
        message = choice["message"]
        if message.get("reasoning_details"):
            message["reasoning_details"] = marked(message["reasoning_details"], origin)
        mark(message, origin)
    return orjson.dumps(answer)


def _render_choice(choice: Choice, context: Context) -> dict[str, Json]:
    words = _words_alone(choice.items)
    message: dict[str, Json] = (
        {"role": "assistant", "content": words, "refusal": None} if words else _message_of(choice, context)
    )
    if choice.annotations:
        message["annotations"] = list(choice.annotations)
    return {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": finish_reason(choice.finish, context),
    }


def _words_alone(items: Sequence[Item]) -> str:
    """The text that is all of an answer, as of most; empty where it is more than that."""
    item = items[0] if len(items) == 1 else None
    part = item.parts[0] if type(item) is Message and len(item.parts) == 1 else None
    return part.text if type(part) is Text and part.opaque is None else ""


def _message_of(choice: Choice, context: Context) -> dict[str, Json]:
    message = {"role": "assistant", **_texts(choice)}
    message.update(render_blocks([item for item in choice.items if isinstance(item, Reasoning)]))
    cut = choice.finish not in (Finish.STOP, Finish.TOOL_CALLS)
    calls = [_render_call(item, cut=cut) for item in choice.items if isinstance(item, ToolCall)]
    if calls and says_functions(context):
        message.update(only_call(calls, context.report))
    elif calls:
        message["tool_calls"] = calls
    made = [picture(part.shown) for part in _parts(choice) if isinstance(part, Foreign) and part.shown is not None]
    if made:
        message["images"] = made
    return message


def _parts(choice: Choice) -> list[Part]:
    return [part for item in choice.items if isinstance(item, Message) for part in item.parts]


def _texts(choice: Choice) -> dict[str, Json]:
    parts = _parts(choice)
    content = "".join(part.text for part in parts if isinstance(part, Text))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    called = any(isinstance(item, ToolCall) for item in choice.items)
    signatures = [part.opaque for part in parts if isinstance(part, Text) and part.opaque is not None]
    signed = signed_fields(signatures[-1] if signatures else None)
    return {"content": content or (None if called or refusal else ""), "refusal": refusal or None, **signed}


def _render_call(call: ToolCall, *, cut: bool) -> dict[str, Json]:
    """Empty arguments are `{}`, unless the answer was cut before they came."""
    signed = signed_fields(call.opaque)
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}, **signed}
    arguments = call.arguments or ("" if cut else "{}")
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}, **signed}
