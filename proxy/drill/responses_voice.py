"""How a scripted provider of the OpenAI dialect speaks at `/responses` (OpenAI API reference, Responses). What it takes
is in `responses_ears`.

A stream tells every item from its beginning to its end, with all that a real one says in between. Reasoning bears a
summary where one was asked for, and its encrypted form only where that was.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import orjson

from proxy.drill.openai_voice import (
    CREATED,
    OVERLOADED_STATUS,
    PING,
    VERSION_HEADER,
    fault,
    headers,
    model,
    models,
)
from proxy.drill.responses_ears import hear, sealed
from proxy.drill.speech import Call, Question, Reply, padding
from proxy.drill.wire import Event

__all__ = [
    "OVERLOADED_STATUS",
    "PATH",
    "PING",
    "VERSION_HEADER",
    "body",
    "ears",
    "error_event",
    "events",
    "fault",
    "headers",
    "hear",
    "model",
    "models",
    "text_event",
]

PATH = "/v1/responses"


def ears(path: str, _query: str) -> Callable[..., Question | str] | None:
    """How a request to `path` is read; None where nothing is."""
    return hear if path == PATH else None


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "input_tokens": reply.prompt_tokens,
        "input_tokens_details": {"cached_tokens": reply.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": reply.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }


def _output(question: Question, reply: Reply) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if reply.reasoning:
        summary = [{"type": "summary_text", "text": reply.reasoning}] if reply.show_reasoning else []
        items.append(
            {
                "id": f"rs_{question.key}",
                "type": "reasoning",
                "summary": summary,
                **({"encrypted_content": sealed(question.provider)} if question.sealed else {}),
            }
        )
    if reply.text:
        text = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        items.append(_message(question, [text], _status(reply)))
    return items + [_call(call) for call in reply.calls]


def _message(question: Question, content: list[Any], status: str) -> dict[str, Any]:
    return {
        "id": f"msg_{question.key}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _call(call: Call) -> dict[str, Any]:
    kind, field = ("custom_tool_call", "input") if call.custom else ("function_call", "arguments")
    return {
        "id": call.id.replace("call_", "ctc_" if call.custom else "fc_", 1),
        "type": kind,
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        field: call.arguments,
    }


def _response(question: Question, reply: Reply, status: str, output: list[Any]) -> dict[str, Any]:
    ended = status != "in_progress"
    cut = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {
        "id": f"resp_{question.key}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": cut,
        "instructions": None,
        "metadata": {},
        "model": question.model,
        "output": output,
        "parallel_tool_calls": question.parallel,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": _usage(reply) if ended else None,
    }


def _status(reply: Reply) -> str:
    return "incomplete" if reply.finish == "length" else "completed"


def body(question: Question, reply: Reply) -> bytes:
    """A `response`."""
    return orjson.dumps(_response(question, reply, _status(reply), _output(question, reply)))


def events(question: Question, reply: Reply) -> tuple[Event, ...]:
    """The stream: created, in progress, each item from its beginning to its end, completed or incomplete."""
    numbers = count()
    opening = _response(question, reply, "in_progress", [])
    told = [
        Event("frame", _sse(numbers, "response.created", response=opening)),
        Event("frame", _sse(numbers, "response.in_progress", response=opening)),
    ]
    output = _output(question, reply)
    for index, item in enumerate(output):
        told += _item(numbers, index, item, reply)
    whole = _response(question, reply, _status(reply), output)
    return (*told, Event("finish", _sse(numbers, f"response.{_status(reply)}", response=whole)))


def _item(numbers: Iterator[int], index: int, item: Mapping[str, Any], reply: Reply) -> Iterator[Event]:
    told = {"message": _told_message, "reasoning": _told_reasoning}.get(item["type"], _told_call)
    yield from told(numbers, index, item, reply)
    yield Event("frame", _sse(numbers, "response.output_item.done", output_index=index, item=item))


def _told_message(numbers: Iterator[int], index: int, item: Mapping[str, Any], reply: Reply) -> Iterator[Event]:
    yield _added(numbers, index, {**item, "status": "in_progress", "content": []})
    part = {"output_index": index, "item_id": item["id"], "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    yield Event("frame", _sse(numbers, "response.content_part.added", **part, part=empty))
    for at, piece in enumerate(reply.deltas):
        said = {**part, "delta": piece, "logprobs": [], **padding(reply, piece, at)}
        yield Event("delta", _sse(numbers, "response.output_text.delta", **said))
    yield Event("frame", _sse(numbers, "response.output_text.done", **part, text=reply.text, logprobs=[]))
    yield Event("frame", _sse(numbers, "response.content_part.done", **part, part=item["content"][0]))


def _told_reasoning(numbers: Iterator[int], index: int, item: Mapping[str, Any], reply: Reply) -> Iterator[Event]:
    """An item's encrypted form is whole only at its end."""
    begun = {name: value for name, value in item.items() if name != "encrypted_content"}
    yield _added(numbers, index, {**begun, "summary": []})
    place = {"output_index": index, "item_id": item["id"]}
    for at, part in enumerate(item["summary"]):
        spot = {**place, "summary_index": at}
        empty = {"type": "summary_text", "text": ""}
        yield Event("frame", _sse(numbers, "response.reasoning_summary_part.added", **spot, part=empty))
        half = len(reply.reasoning) // 2
        for piece in (reply.reasoning[:half], reply.reasoning[half:]):
            yield Event("delta", _sse(numbers, "response.reasoning_summary_text.delta", **spot, delta=piece))
        yield Event("frame", _sse(numbers, "response.reasoning_summary_text.done", **spot, text=reply.reasoning))
        yield Event("frame", _sse(numbers, "response.reasoning_summary_part.done", **spot, part=part))


def _told_call(numbers: Iterator[int], index: int, item: Mapping[str, Any], _reply: Reply) -> Iterator[Event]:
    field = "input" if item["type"] == "custom_tool_call" else "arguments"
    kind = "custom_tool_call_input" if field == "input" else "function_call_arguments"
    yield Event("delta", _added(numbers, index, {**item, "status": "in_progress", field: ""}).data)
    place = {"output_index": index, "item_id": item["id"]}
    half = len(item[field]) // 2
    for piece in (item[field][:half], item[field][half:]):
        yield Event("delta", _sse(numbers, f"response.{kind}.delta", **place, delta=piece))
    named = {} if field == "input" else {"name": item["name"]}
    yield Event("frame", _sse(numbers, f"response.{kind}.done", **place, **named, **{field: item[field]}))


def _added(numbers: Iterator[int], index: int, item: Mapping[str, Any]) -> Event:
    return Event("frame", _sse(numbers, "response.output_item.added", output_index=index, item=item))


def _sse(numbers: Iterator[int], name: str, /, **fields: Any) -> bytes:
    data = orjson.dumps({"type": name, "sequence_number": next(numbers), **fields})
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def text_event(text: bytes) -> bytes:
    """A text delta whose text is given as the raw bytes inside the JSON string."""
    place = {"output_index": 0, "item_id": "msg_x", "content_index": 0}
    marked = _sse(count(), "response.output_text.delta", **place, delta="@", logprobs=[])
    return marked.replace(b'"@"', b'"%b"' % text, 1)


def error_event(told: bytes) -> bytes:
    """An error in a stream stands flat in its event."""
    error = orjson.loads(told)["error"]
    return _sse(count(), "error", code=error["code"], message=error["message"], param=error["param"])
