"""A client of each dialect on a raw socket, and what it makes of the bytes it gets.

It knows four ends: `whole`, `told` (a stream that broke off and said so twice: by an error event in the client's own
dialect, and by a body without its end), `error`, and `short`, which is everything else and must never be.
"""

import asyncio
from typing import Any, Literal, NamedTuple

import orjson

from proxy.drill.load import Answered, Broken, once
from proxy.telemetry import names

STORY = "a short story please"
SAID = [{"role": "user", "content": STORY}]
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/chat/completions", {"messages": SAID, "max_completion_tokens": 900}),
    "completions": ("/completions", {"prompt": STORY, "max_tokens": 900}),
    "responses": ("/responses", {"input": STORY, "max_output_tokens": 900}),
    "messages": ("/messages", {"messages": SAID, "max_tokens": 900}),
}
"""Per client's dialect: where it asks, and what."""
View = Literal["whole", "told", "error", "short"]


class Seen(NamedTuple):
    view: View
    text: str
    status: int
    code: str | None
    """Of the error, in an error's body or event."""
    by: str
    """The provider that the answer names."""
    kinds: tuple[str, ...]
    """Of the attempts, as the answer's header tells them."""
    headers: dict[str, str]


async def ask(
    url: str, client: str, model: str, *, stream: bool, headers: dict[str, str], clock: Any, timeout_s: float = 600
) -> Seen:
    """One request at `url`. Raises OSError where nobody listens, and TimeoutError."""
    path, body = ASKED[client]
    try:
        async with asyncio.timeout(timeout_s):
            answered = await once(url, path, {"model": model, "stream": stream, **body}, headers, clock)
        ended = True
    except Broken as broken:
        answered, ended = broken.answered or Answered(), False
    return judged(client, answered, stream=stream, ended=ended)


def judged(client: str, answered: Answered, *, stream: bool, ended: bool) -> Seen:
    text, code, finished = "", None, False
    body = answered.body
    if answered.status != 200:
        view: View = "error" if ended and _is_error(client, body) else "short"
        code = _code(orjson.loads(body)) if view == "error" else None
    elif stream:
        text, code, finished = _streamed(client, body)
        view = "whole" if ended and finished and code is None else "short"
        if not ended and code is not None and not finished:
            view = "told"
    else:
        text, finished = _unary(client, orjson.loads(body)) if ended else ("", False)
        view = "whole" if finished else "short"
    told = answered.headers.get(names.ATTEMPTS, "")
    kinds = tuple(one.split(";")[1] for one in told.split(", ") if one)
    return Seen(view, text, answered.status, code, answered.headers.get(names.PROVIDER, ""), kinds, answered.headers)


def _is_error(client: str, body: bytes) -> bool:
    """Whether it has the shape of the client's own dialect."""
    told = orjson.loads(body)
    of_anthropic = told.get("type") == "error"
    return isinstance(told["error"]["message"], str) and of_anthropic is (client == "messages")


def _code(told: Any) -> str | None:
    error = told["error"]
    code = error["details"]["error_code"] if "details" in error else error.get("code")
    return None if code is None else str(code)


def _unary(client: str, body: Any) -> tuple[str, bool]:
    match client:
        case "chat":
            return body["choices"][0]["message"]["content"], body["choices"][0]["finish_reason"] == "stop"
        case "completions":
            return body["choices"][0]["text"], body["choices"][0]["finish_reason"] == "stop"
        case "responses":
            parts = [part for item in body["output"] for part in item.get("content", ())]
            return "".join(part["text"] for part in parts), body["status"] == "completed"
        case _:
            return "".join(part["text"] for part in body["content"]), body["stop_reason"] == "end_turn"


def _streamed(client: str, body: bytes) -> tuple[str, str | None, bool]:
    """The text, the code of an error event, and whether the dialect's own end was said."""
    text, code, finished = "", None, False
    for event in body.decode().split("\n\n"):
        data = next((line[6:] for line in event.split("\n") if line.startswith("data: ")), "")
        if data == "[DONE]":
            finished = True
        elif data:
            told = orjson.loads(data)
            code = _event_error(told) or code
            piece, last = _piece(client, told)
            text, finished = text + piece, finished or last
    return text, code, finished


def _event_error(told: Any) -> str | None:
    if told.get("type") == "response.failed":
        return str(told["response"]["error"]["code"]) and None
    if told.get("type") == "error" and "error" not in told:
        return str(told["code"])
    return _code(told) if told.get("error") else None


def _piece(client: str, told: Any) -> tuple[str, bool]:
    """A stream's event: its text, and whether it is the dialect's last one."""
    kind = told.get("type", "")
    if client == "responses":
        return told["delta"] if kind == "response.output_text.delta" else "", kind == "response.completed"
    if client == "messages":
        return told["delta"].get("text", "") if kind == "content_block_delta" else "", kind == "message_stop"
    choices = told.get("choices") or [{}]
    return choices[0].get("text") or choices[0].get("delta", {}).get("content") or "", False
