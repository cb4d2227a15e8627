"""How a scripted provider of the Anthropic dialect hears and speaks (Anthropic API reference, Messages).

Its checks are those a real server makes and a translator can fail: version header, max_tokens, sampling parameters
under the newer version, each tool_use answered in the very next message, and thinking signatures, which this provider
takes only if it made them itself (`sig-NAME`).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import orjson

from proxy.drill.faults import anthropic_fault
from proxy.drill.speech import Call, Question, Reply, Tool, tokens
from proxy.drill.wire import Event

PATH = "/v1/messages"
COUNT_PATH = "/v1/messages/count_tokens"
VERSION_HEADER = b"anthropic-version"
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
OVERLOADED_STATUS = 529
"""What overload is told as before an answer has begun."""
VERSIONS = ("2023-06-01", "2026-10-21")
_STOPS = {"tools": "tool_use", "length": "max_tokens", "stop": "end_turn"}
_PAUSE = "pause_turn"
_QUERY = '{"query": "the script"}'

fault = anthropic_fault


def ears(path: str, _query: str) -> Callable[..., Question | bytes | str] | None:
    """How a request to `path` is read; None where nothing is."""
    return {PATH: hear, COUNT_PATH: counted}.get(path)


def hear(body: Mapping[str, Any], version: str, provider: str, key: str) -> Question | str:
    """The question, or what a real server would refuse about it. Raises KeyError, TypeError, ValueError or
    AttributeError on a body whose shape is no request at all."""
    if problem := _problem(body, version, provider):
        return problem
    turns = [(one["role"], _blocks(one["content"])) for one in body["messages"]]
    blocks = [block for _, told in turns for block in told]
    last = turns[-1][1]
    form = (body.get("output_config") or {}).get("format") or {}
    choice = body.get("tool_choice") or {"type": "auto"}
    texts = [_text(told) for role, told in turns if role == "user" and _text(told)]
    heard = _text(_blocks(body.get("system") or "")) + "".join(_text(told) for _, told in turns)
    return Question(
        key=key,
        provider=provider,
        model=body["model"],
        stream=body.get("stream") is True,
        text=texts[-1] if texts else "",
        heard=len(heard.encode()),
        images=tuple(_media_type(block["source"]) for block in blocks if block["type"] == "image"),
        tool_results=sum(block["type"] == "tool_result" for block in last),
        steps=_steps(turns),
        tools=_tools(body, choice),
        forced=choice["type"] in ("any", "tool"),
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=form["schema"] if form.get("type") == "json_schema" else None,
        reasoning=_reasoning(body.get("thinking") or {}),
        max_tokens=body["max_tokens"],
    )


def counted(body: Mapping[str, Any], version: str, provider: str, key: str) -> bytes | str:
    """How many tokens a conversation is, or what a real server would refuse about it; raises as `hear` does."""
    if "max_tokens" in body:
        return "max_tokens: Extra inputs are not permitted"
    question = hear({**body, "max_tokens": 1}, version, provider, key)
    return question if isinstance(question, str) else orjson.dumps({"input_tokens": tokens(question.heard)})


def _problem(body: Mapping[str, Any], version: str, provider: str) -> str | None:
    if version not in VERSIONS:
        return "anthropic-version: header is required"
    if not isinstance(body.get("model"), str):
        return "model: Field required"
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        return "max_tokens: Field required"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    extra = next((name for name in ("temperature", "top_p", "top_k") if name in body), None)
    if version == VERSIONS[-1] and extra:
        return f"{extra}: Extra inputs are not permitted"
    return _history_problem(messages, provider)


def _history_problem(messages: Sequence[Mapping[str, Any]], provider: str) -> str | None:
    expected: set[str] = set()
    for position, message in enumerate(messages):
        blocks = _blocks(message["content"])
        if not blocks or any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            return f"messages.{position}: all messages must have non-empty content"
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if expected - answered:
            return f"messages.{position}: `tool_use` ids were found without `tool_result` blocks immediately after"
        if answered - expected:
            return f"messages.{position}: unexpected `tool_use_id` found in `tool_result` blocks"
        if any(block["type"] == "thinking" and block["signature"] != f"sig-{provider}" for block in blocks):
            return f"messages.{position}: Invalid `signature` in `thinking` block"
        if any(block["type"] == "redacted_thinking" and block["data"] != f"sig-{provider}" for block in blocks):
            return f"messages.{position}: Invalid `data` in `redacted_thinking` block"
        expected = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return "`tool_use` ids were found without `tool_result` blocks immediately after" if expected else None


def _blocks(content: Any) -> Sequence[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    blocks: Sequence[Mapping[str, Any]] = content
    return blocks


def _text(blocks: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(block["text"] for block in blocks if block["type"] == "text")


def _steps(turns: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> int:
    asked = max((at for at, (role, told) in enumerate(turns) if role == "user" and _text(told)), default=0)
    return sum(block["type"] == "tool_result" for _, told in turns[asked + 1 :] for block in told)


def _media_type(source: Mapping[str, Any]) -> str:
    kind: str = source["media_type"] if source["type"] == "base64" else source["type"]
    return kind


def _tools(body: Mapping[str, Any], choice: Mapping[str, Any]) -> tuple[Tool, ...]:
    if choice["type"] == "none":
        return ()
    hosted = [one for one in body.get("tools") or () if one.get("type", "custom") != "custom"]
    tools = [Tool(one["name"], one["input_schema"]) for one in body.get("tools") or () if one not in hosted]
    return tuple(tool for tool in tools if choice["type"] != "tool" or tool.name == choice["name"])


def _reasoning(thinking: Mapping[str, Any]) -> Any:
    if thinking.get("type") in (None, "disabled", "between_tools"):
        return "no"
    return "shown" if thinking["type"] == "enabled" or thinking.get("display") == "summarized" else "hidden"


def usage(reply: Reply, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": reply.prompt_tokens - reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached_tokens,
        "output_tokens": output_tokens,
        "output_tokens_details": {"thinking_tokens": reply.reasoning_tokens},
        "service_tier": "standard",
    }


def _content(question: Question, reply: Reply) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if reply.reasoning:
        thinking = reply.reasoning if reply.show_reasoning else ""
        content.append({"type": "thinking", "thinking": thinking, "signature": f"sig-{question.provider}"})
    if reply.text:
        content.append({"type": "text", "text": reply.text})
    if reply.pauses:
        called, found = _search(question)
        content += [{**called, "input": orjson.loads(_QUERY)}, found]
    return content + [
        {"type": "tool_use", "id": _id(call), "name": call.name, "input": orjson.loads(call.arguments)}
        for call in reply.calls
    ]


def _search(question: Question) -> tuple[dict[str, Any], dict[str, Any]]:
    """A search that the server makes itself, and what it found."""
    key = f"srvtoolu_{question.key}"
    page = {"type": "web_search_result", "url": "https://example.com", "title": "T", "encrypted_content": "e"}
    return (
        {"type": "server_tool_use", "id": key, "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": key, "content": [page]},
    )


def _stop(reply: Reply) -> str:
    return _PAUSE if reply.pauses else _STOPS[reply.finish]


def _id(call: Call) -> str:
    return call.id.replace("call_", "toolu_", 1)


def _message(question: Question, content: Sequence[Any], stop: str | None, spent: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"msg_{question.key}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": spent,
    }


def body(question: Question, reply: Reply) -> bytes:
    """A `message`."""
    spent = usage(reply, reply.completion_tokens)
    return orjson.dumps(_message(question, _content(question, reply), _stop(reply), spent))


def events(question: Question, reply: Reply) -> tuple[Event, ...]:
    """The stream: message_start, the blocks one after the other, message_delta with the usage, message_stop."""
    opening = _message(question, [], None, usage(reply, 1))
    told = [Event("frame", _sse("message_start", message=opening))]
    indexes = count()
    if reply.reasoning:
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": reply.reasoning}] if reply.show_reasoning else []
        deltas.append({"type": "signature_delta", "signature": f"sig-{question.provider}"})
        told += _block(next(indexes), empty, deltas)
    if reply.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in reply.deltas]
        told += _block(next(indexes), {"type": "text", "text": ""}, deltas)
    if reply.pauses:
        called, found = _search(question)
        told += _block(next(indexes), called, [{"type": "input_json_delta", "partial_json": _QUERY}])
        told += _block(next(indexes), found, [])
    for call in reply.calls:
        half = len(call.arguments) // 2
        parts = ("", call.arguments[:half], call.arguments[half:])
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        told += _block(next(indexes), {"type": "tool_use", "id": _id(call), "name": call.name, "input": {}}, deltas)
    stop = {"stop_reason": _stop(reply), "stop_sequence": None}
    told.append(Event("finish", _sse("message_delta", delta=stop, usage=usage(reply, reply.completion_tokens))))
    return (*told, Event("end", _sse("message_stop")))


def _block(index: int, block: Mapping[str, Any], deltas: Sequence[Mapping[str, Any]]) -> list[Event]:
    told = [Event("frame", _sse("content_block_start", index=index, content_block=block))]
    if block["type"] == "tool_use":
        told = [Event("delta", told[0].data)]
    for delta in deltas:
        data = _sse("content_block_delta", index=index, delta=delta)
        told.append(Event("frame" if delta["type"] == "signature_delta" else "delta", data))
    return [*told, Event("frame", _sse("content_block_stop", index=index))]


def _sse(name: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps({"type": name, **fields}))


def text_event(text: bytes) -> bytes:
    """A text delta whose text is given as the raw bytes inside the JSON string."""
    marked = _sse("content_block_delta", index=0, delta={"type": "text_delta", "text": "@"})
    return marked.replace(b'"@"', b'"%b"' % text, 1)


def error_event(told: bytes) -> bytes:
    return b"event: error\ndata: " + told + b"\n\n"


def headers(key: str) -> list[tuple[str, str]]:
    return [("request-id", f"req_{key}"), ("anthropic-organization-id", "org-demo")]


def models(names: Sequence[str]) -> dict[str, Any]:
    return {"data": [model(one) for one in names], "has_more": False, "first_id": names[0], "last_id": names[-1]}


def model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }
