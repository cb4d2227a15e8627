"""How a scripted provider of the OpenAI dialect answers legacy text completions (OpenAI API reference, Completions)."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from proxy.drill.openai_voice import (
    CREATED,
    OVERLOADED_STATUS,
    PING,
    VERSION_HEADER,
    error_event,
    fault,
    headers,
    model,
    models,
    usage,
)
from proxy.drill.speech import Question, Reply
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

PATH = "/v1/completions"


def ears(path: str, _query: str) -> Callable[..., Question | str] | None:
    """How a request to `path` is read; None where nothing is."""
    return hear if path == PATH else None


def hear(body: Mapping[str, Any], _version: str, provider: str, key: str) -> Question | str:
    """The question, or what a real server would refuse about it. Raises KeyError or TypeError on a body whose shape is
    no request at all."""
    if not isinstance(body.get("model"), str):
        return "you must provide a model parameter"
    prompt = body["prompt"]
    text = prompt if isinstance(prompt, str) else " ".join(map(str, prompt))
    return Question(
        key=key,
        provider=provider,
        model=body["model"],
        stream=body.get("stream") is True,
        text=text,
        heard=len(text.encode()),
        max_tokens=body.get("max_tokens"),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        n=body.get("n") or 1,
    )


def _base(question: Question) -> dict[str, Any]:
    return {
        "id": f"cmpl-{question.key}",
        "object": "text_completion",
        "created": CREATED,
        "model": question.model,
    }


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def body(question: Question, reply: Reply) -> bytes:
    """A `text_completion`."""
    choices = [_choice(index, reply.text, reply.finish) for index in range(question.n)]
    return orjson.dumps({**_base(question), "choices": choices, "usage": usage(reply)})


def events(question: Question, reply: Reply) -> tuple[Event, ...]:
    """The stream: text, finish, usage where asked for, `[DONE]`; choice after choice for n > 1."""
    base = _base(question)
    if question.include_usage:
        base["usage"] = None
    told: list[Event] = []
    for index in range(question.n):
        told += [Event("delta", _sse({**base, "choices": [_choice(index, piece, None)]})) for piece in reply.deltas]
        told.append(Event("finish", _sse({**base, "choices": [_choice(index, "", reply.finish)]})))
    if question.include_usage:
        told.append(Event("end", _sse({**base, "choices": [], "usage": usage(reply)})))
    return (*told, Event("end", b"data: [DONE]\n\n"))


def text_event(text: bytes) -> bytes:
    """A delta whose text is given as the raw bytes inside the JSON string."""
    base = {"id": "cmpl-x", "object": "text_completion", "created": CREATED}
    return _sse({**base, "choices": [_choice(0, "@", None)]}).replace(b'"@"', b'"%b"' % text, 1)


def _sse(data: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"
