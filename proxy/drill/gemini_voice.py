"""How a scripted provider of the Gemini dialect speaks (Gemini API reference, generateContent), and which of its paths
it hears at. What it takes is in `gemini_ears`.

A stream is a series of whole answers, each with what came since the last, in lines that end in CR LF, and without a
terminal event. A call comes whole; its finish is an ordinary stop. An answer that pauses has a token to go on from.
Asked for a stream without `alt=sse` it would give one array, which nobody here wants: that is refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from proxy.drill import embedding, gemini_ears
from proxy.drill.faults import gemini_fault
from proxy.drill.gemini_ears import continuation, signature, signs
from proxy.drill.speech import Call, Question, Reply, digest
from proxy.drill.wire import Event

PATH = "/v1beta/models"
VERSION_HEADER = b"x-goog-api-key"
"""Without a key there is another answer."""
PING = b": ping\r\n\r\n"
OVERLOADED_STATUS = 503
"""What overload is told as before an answer has begun."""
_FINISHES = {"tools": "STOP", "length": "MAX_TOKENS", "stop": "STOP"}
_VERTEX = re.compile(
    r"/v1/projects/[^/]+/locations/[^/]+/publishers/google/models/[^/:]+:(embedContent|batchEmbedContents|predict)"
)
"""Embeddings as Vertex AI has them, beside the Gemini API; tokens are not looked at."""
_NO_KEY = "API key not valid. Please pass a valid API key."

Hear = Callable[[Mapping[str, Any], str, str, str], Question | bytes | str]

fault = gemini_fault


def ears(path: str, query: str) -> Hear | None:
    """How a request to `path` is read; None where nothing is."""
    if vertex := _VERTEX.fullmatch(path):
        method = vertex[1]
        return lambda body, *_: embedding.embed_on_vertex(body, method)
    model, colon, method = unquote(path.removeprefix(f"{PATH}/")).rpartition(":")
    if not colon or "/" in model:
        return None
    if method == "batchEmbedContents":
        return lambda body, key, *_: embedding.embed_batch(body, model) if key else _NO_KEY
    stream = method == "streamGenerateContent"
    if method != "generateContent" and not (stream and query == "alt=sse"):
        return None
    return lambda body, key, provider, made: (
        gemini_ears.hear(body, model, provider, made, stream=stream) if key else _NO_KEY
    )


def _usage(reply: Reply) -> dict[str, Any]:
    spoken = reply.completion_tokens - reply.reasoning_tokens
    counts = {
        "promptTokenCount": reply.prompt_tokens,
        "candidatesTokenCount": spoken,
        "totalTokenCount": reply.prompt_tokens + reply.completion_tokens,
    }
    if reply.cached_tokens:
        counts["cachedContentTokenCount"] = reply.cached_tokens
    return counts | ({"thoughtsTokenCount": reply.reasoning_tokens} if reply.reasoning_tokens else {})


def _answer(question: Question, candidates: list[dict[str, Any]], spent: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "candidates": candidates,
        "usageMetadata": spent,
        "modelVersion": question.model,
        "responseId": question.key,
    }


def _candidate(index: int, parts: Sequence[Mapping[str, Any]], end: Mapping[str, str] | None) -> dict[str, Any]:
    content = {"parts": parts, "role": "model"} if parts else {}
    return {"content": content, **(end or {}), "index": index}


def _end(question: Question, reply: Reply) -> dict[str, str]:
    if reply.pauses:
        return {"finishReason": "CONTINUATION", "continuationToken": continuation(question.provider)}
    return {"finishReason": _FINISHES[reply.finish]}


def _thoughts(reply: Reply) -> list[dict[str, Any]]:
    return [{"text": reply.reasoning, "thought": True}] if reply.reasoning and reply.show_reasoning else []


def _calls(question: Question, reply: Reply) -> list[dict[str, Any]]:
    """The calls' parts; the first bears the signature."""
    parts = [{"functionCall": _call(question, call)} for call in reply.calls]
    if parts and signs(question.model):
        parts[0]["thoughtSignature"] = signature(question.provider, parts[0])
    return parts


def _call(question: Question, call: Call) -> Any:
    told = {"name": call.name, "args": orjson.loads(call.arguments)}
    return {"id": digest(call.id.encode())[:8], **told} if signs(question.model) else told


def body(question: Question, reply: Reply) -> bytes:
    """A `GenerateContentResponse`."""
    text = {"text": reply.text}
    if reply.reasoning and signs(question.model):
        text["thoughtSignature"] = signature(question.provider, text)
    parts = [*_thoughts(reply), *([text] if reply.text else []), *_calls(question, reply)]
    candidates = [_candidate(index, parts, _end(question, reply)) for index in range(question.n)]
    return orjson.dumps(_answer(question, candidates, _usage(reply)))


def events(question: Question, reply: Reply) -> tuple[Event, ...]:
    """The stream: thoughts, pieces of text, each call, and a last answer with the finish and all that was spent."""
    return tuple(event for index in range(question.n) for event in _told(question, reply, index))


def _told(question: Question, reply: Reply, index: int) -> Iterator[Event]:
    begun = {"promptTokenCount": reply.prompt_tokens, "totalTokenCount": reply.prompt_tokens}
    told = [*_thoughts(reply), *({"text": piece} for piece in reply.deltas), *_calls(question, reply)]
    for part in told:
        yield Event("delta", _sse(_answer(question, [_candidate(index, [part], None)], begun)))
    last: list[dict[str, Any]] = []
    if reply.text:
        last = [{"text": ""}]
        if reply.reasoning and signs(question.model):
            last[0]["thoughtSignature"] = signature(question.provider, last[0])
    finish = _candidate(index, last, _end(question, reply))
    yield Event("finish", _sse(_answer(question, [finish], _usage(reply))))


def _sse(data: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\r\n\r\n"


def text_event(text: bytes) -> bytes:
    """A part of text that is given as the raw bytes inside the JSON string."""
    marked = _sse({"candidates": [_candidate(0, [{"text": "@"}], None)]})
    return marked.replace(b'"@"', b'"%b"' % text, 1)


def error_event(told: bytes) -> bytes:
    return b"data: " + told + b"\r\n\r\n"


def headers(_key: str) -> list[tuple[str, str]]:
    return [("vary", "Origin, X-Origin, Referer"), ("server-timing", "gfet4t7; dur=7")]


def models(names: Sequence[str]) -> dict[str, Any]:
    return {"models": [model(one) for one in names]}


def model(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent"],
        "thinking": True,
    }
