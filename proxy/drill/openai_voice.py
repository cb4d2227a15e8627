"""How a scripted provider of the OpenAI dialect hears and speaks (OpenAI API reference, Chat Completions).

Its checks are those a real server makes and a translator can fail: types of the envelope, fields of the assistant's
messages, where others put what is bound to them, and tool messages that answer a call. Reasoning is counted in the
usage and shown as `reasoning_content` only where the script asks for it.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from proxy.drill import embedding
from proxy.drill.checks import names, unknown
from proxy.drill.faults import openai_fault
from proxy.drill.speech import Call, Question, Reply, Tool, padding
from proxy.drill.wire import Event

CREATED = 1_767_225_600
"""Every answer's `created`: the same request gets the same bytes."""
PATH = "/v1/chat/completions"
VERSION_HEADER = b""
PING = b": ping\n\n"
OVERLOADED_STATUS = 503
"""What overload is told as before an answer has begun."""
_SAID = names("role content refusal name audio tool_calls function_call annotations reasoning reasoning_content")
"""Fields of an assistant's message; some servers of this dialect want its reasoning again."""
_CALLED = names("id index type function custom")

fault = openai_fault


def ears(path: str, _query: str) -> Callable[..., Question | bytes | str] | None:
    """How a request to `path` is read; None where nothing is."""
    if path == embedding.PATH:
        return lambda body, *_: embedding.embed(body)
    return hear if path == PATH else None


def hear(body: Mapping[str, Any], _version: str, provider: str, key: str) -> Question | str:
    """The question, or what a real server would refuse about it. Raises KeyError, TypeError, ValueError or
    AttributeError on a body whose shape is no request at all."""
    messages = body.get("messages")
    if not isinstance(body.get("model"), str):
        return "you must provide a model parameter"
    if not isinstance(messages, list) or not messages:
        return "Invalid 'messages': empty array. Expected an array with minimum length 1."
    if problem := _unknown(messages) or _unanswered(messages):
        return problem
    users = [one for one in messages if one.get("role") == "user"]
    parts = [part for one in messages if isinstance(one.get("content"), list) for part in one["content"]]
    form = body.get("response_format") or {}
    effort = body.get("reasoning_effort")
    return Question(
        key=key,
        provider=provider,
        model=body["model"],
        stream=body.get("stream") is True,
        text=_text(users[-1].get("content")) if users else "",
        heard=sum(len(_text(one.get("content")).encode()) for one in messages),
        images=tuple(_media_type(part["image_url"]["url"]) for part in parts if part.get("type") == "image_url"),
        tool_results=_trailing_results(messages),
        steps=_steps(messages),
        tools=_tools(body),
        forced=not isinstance(body.get("tool_choice", "auto"), str) or body.get("tool_choice") == "required",
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(form),
        reasoning="no" if effort in (None, "none") else "hidden",
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        n=body.get("n") or 1,
    )


def _unknown(messages: Sequence[Mapping[str, Any]]) -> str | None:
    for at, message in enumerate(messages):
        if message.get("role") != "assistant":
            continue
        given = [(message, _SAID, f"messages[{at}]")]
        given += [(one, _CALLED, f"messages[{at}].tool_calls") for one in message.get("tool_calls") or ()]
        for value, known, where in given:
            if odd := unknown(value, known):
                return f"Unknown parameter: '{where}.{odd[0]}'."
    return None


def _unanswered(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """A tool call without its result, or a result without its call."""
    open_ids: set[str] = set()
    for message in messages:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in open_ids:
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            open_ids.discard(message["tool_call_id"])
            continue
        if open_ids:
            break
        open_ids = {call["id"] for call in message.get("tool_calls") or ()}
    if open_ids:
        return "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'."
    return None


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content or () if part.get("type") == "text")


def _media_type(url: str) -> str:
    return url[5:].split(";", 1)[0] if url.startswith("data:") else "url"


def _trailing_results(messages: Sequence[Mapping[str, Any]]) -> int:
    count = 0
    for message in reversed(messages):
        if message.get("role") != "tool":
            break
        count += 1
    return count


def _steps(messages: Sequence[Mapping[str, Any]]) -> int:
    asked = max((at for at, one in enumerate(messages) if one.get("role") == "user"), default=0)
    return sum(one.get("role") == "tool" for one in messages[asked:])


def _tools(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    choice = body.get("tool_choice", "auto")
    if choice == "none":
        return ()
    told = body.get("tools") or ()
    tools = [_tool(one["type"], one[one["type"]]) for one in told]
    if isinstance(choice, dict):
        allowed = choice["allowed_tools"]["tools"] if choice["type"] == "allowed_tools" else [choice]
        names = {one[one["type"]]["name"] for one in allowed}
        tools = [tool for tool in tools if tool.name in names]
    return tuple(tools)


def _tool(kind: str, told: Mapping[str, Any]) -> Tool:
    return Tool(told["name"], told.get("parameters") or {}, custom=kind == "custom")


def _schema(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if form.get("type") == "json_schema":
        schema: Mapping[str, Any] = form["json_schema"].get("schema") or {}
        return schema
    return {} if form.get("type") == "json_object" else None


def usage(reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens, "audio_tokens": 0},
    }


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.finish == "tools" else reply.finish


def _call(call: Call) -> dict[str, Any]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def body(question: Question, reply: Reply) -> bytes:
    """A `chat.completion`."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None, "annotations": []}
    if reply.calls:
        message["tool_calls"] = [_call(call) for call in reply.calls]
    if reply.show_reasoning and reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    choice = {"message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return orjson.dumps(
        {
            "id": f"chatcmpl-{question.key}",
            "object": "chat.completion",
            "created": CREATED,
            "model": question.model,
            "choices": [{"index": index, **choice} for index in range(question.n)],
            "usage": usage(reply),
            "service_tier": "default",
            "system_fingerprint": "fp_demo",
        }
    )


def events(question: Question, reply: Reply) -> tuple[Event, ...]:
    """The stream: role chunk, deltas, finish, usage where asked for, `[DONE]`; choice after choice for n > 1."""
    base: dict[str, Any] = {
        "id": f"chatcmpl-{question.key}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": question.model,
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    }
    if question.include_usage:
        base["usage"] = None
    told: list[Event] = []
    for index in range(question.n):
        role = {"role": "assistant", "content": None if reply.calls else "", "refusal": None}
        told.append(Event("frame", _chunk(base, index, role, None)))
        for at, delta in enumerate(_deltas(reply)):
            told.append(Event("delta", _chunk(base, index, delta, None, padding(reply, delta.get("content", ""), at))))
        told.append(Event("finish", _chunk(base, index, {}, _finish(reply))))
    if question.include_usage:
        told.append(Event("end", _sse({**base, "choices": [], "usage": usage(reply)})))
    return (*told, Event("end", b"data: [DONE]\n\n"))


def _deltas(reply: Reply) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = []
    if reply.show_reasoning and reply.reasoning:
        deltas.append({"reasoning_content": reply.reasoning})
    deltas += [{"content": piece} for piece in reply.deltas]
    for index, call in enumerate(reply.calls):
        kind, field = ("custom", "input") if call.custom else ("function", "arguments")
        opening = {"index": index, "id": call.id, "type": kind, kind: {"name": call.name, field: ""}}
        half = len(call.arguments) // 2
        deltas.append({"tool_calls": [opening]})
        deltas += [
            {"tool_calls": [{"index": index, kind: {field: part}}]}
            for part in (call.arguments[:half], call.arguments[half:])
            if part
        ]
    return deltas


def _chunk(
    base: Mapping[str, Any],
    index: int,
    delta: Mapping[str, Any],
    finish: str | None,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _sse({**base, "choices": [choice], **beside})


def _sse(data: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"


def text_event(text: bytes) -> bytes:
    """A content delta whose text is given as the raw bytes inside the JSON string."""
    marked = _chunk(
        {"id": "chatcmpl-x", "object": "chat.completion.chunk", "created": CREATED}, 0, {"content": "@"}, None
    )
    return marked.replace(b'"@"', b'"%b"' % text, 1)


def error_event(fault: bytes) -> bytes:
    return b"data: " + fault + b"\n\n"


def headers(key: str) -> list[tuple[str, str]]:
    return [("x-request-id", f"req_{key}"), ("openai-version", "2020-10-01"), ("openai-processing-ms", "7")]


def models(names: Sequence[str]) -> dict[str, Any]:
    return {"object": "list", "data": [model(one) for one in names]}


def model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "demo"}
