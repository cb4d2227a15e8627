"""An Anthropic client's request, read into the neutral form.

Only what the format says is read strictly. What this form has no word for is kept whole: a block as `Foreign`, a
tool that Anthropic runs itself and an unknown top-level field in `Request.extra`. A plain web search has a neutral
word. Source: Anthropic's Messages reference.

Odd cases: the tool results of a user turn come first, as other dialects demand; thinking is kept with its signature,
but without an origin unless the signature is a mark of ours (see `marks`), and so it goes to no other place; `adaptive`
thinking without an effort has no neutral word and stays an extension field, as do `display` and an effort beside
disabled thinking; ids of calls that come again are made unique (see `ids`); citations on text that a client sends back
are not kept, the text is, and that is reported.
"""

import base64
from typing import Any

import orjson

from translators.anthropic_messages.ids import CallIds
from translators.anthropic_messages.marks import earlier_thinking
from translators.anthropic_messages.reading import cache_of, need, strings, typed, wrong
from translators.anthropic_messages.tools_in import choice_of, tools_of
from translators.anthropic_messages.unread import fields_unread
from translators.anthropic_messages.wire import DIALECT
from translators.codec import Envelope
from translators.faults import Malformed
from translators.ir import (
    MODEL_CAP,
    File,
    Foreign,
    Image,
    Item,
    Json,
    Message,
    OutputFormat,
    Part,
    Request,
    Text,
    ToolCall,
    ToolResult,
)

_READ = frozenset(
    (
        "model",
        "max_tokens",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "stop_sequences",
        "stream",
        "metadata",
        "service_tier",
        "temperature",
        "top_p",
        "top_k",
    )
)
"""Top-level fields with a neutral word; all others go to `extra`."""
MESSAGES_CAP = 16_384
"""Anthropic takes 100,000; more than so many keep everybody waiting while they are translated."""
_EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")
_TIERS = {"auto": "auto", "standard_only": "default"}


def check_envelope(body: Json) -> Envelope:
    if not isinstance(body, dict):
        raise Malformed("The request body must be a JSON object.")
    model, messages, stream = body.get("model"), body.get("messages"), body.get("stream")
    if not isinstance(model, str) or not model:
        raise Malformed("The field model must be a non-empty string.", param="model")
    if len(model) > MODEL_CAP:
        message = f"The field model is longer than {MODEL_CAP} characters."
        raise Malformed(message, param="model", code="string_above_max_length")
    if not isinstance(messages, list) or not messages:
        raise Malformed("The field messages must be a non-empty list.", param="messages")
    if len(messages) > MESSAGES_CAP:
        message = f"The field messages holds more than {MESSAGES_CAP} messages."
        raise Malformed(message, param="messages", code="array_above_max_length")
    if stream is not None and not isinstance(stream, bool):
        raise Malformed("The field stream must be true or false.", param="stream")
    return Envelope(model, bool(stream), include_usage=True, thinks=_thinks(body))


def _thinks(body: dict[str, Any]) -> bool | None:
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    return None if kind is None else kind not in ("disabled", "between_tools")


def parse_request(body: Json, checked: Envelope | None = None) -> Request:
    envelope = checked or check_envelope(body)
    items: list[Item] = []
    system = body.get("system")
    if system:
        items.append(Message("system", _parts(system, "system")))
    ids = CallIds()
    for index, message in enumerate(body["messages"]):
        _message(items, message, index, ids)
    extra = {name: value for name, value in body.items() if name not in _READ}
    effort, budget = _thinking(body, extra)
    tools, search = tools_of(body, extra)
    choice, parallel = choice_of(body.get("tool_choice"))
    return Request(
        model=envelope.model,
        items=tuple(items),
        stream=envelope.stream,
        include_usage=True,
        max_output=_bound(body),
        temperature=typed(body, "temperature", (int, float)),
        top_p=typed(body, "top_p", (int, float)),
        top_k=typed(body, "top_k", int),
        stop=tuple(strings(body, "stop_sequences")),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=_output(body),
        effort=effort,
        reasoning_summary=_summary(body.get("thinking")),
        thinking_budget=budget,
        user=_user(body),
        service_tier=_tier(body),
        web_search=search,
        extra=extra | fields_unread(body),
    )


def _bound(body: dict[str, Json]) -> int | None:
    """`max_tokens`. One of 0, which only fills Anthropic's cache, has no equal elsewhere."""
    bound: int | None = typed(body, "max_tokens", int)
    if bound is not None and bound < 1:
        raise wrong("max_tokens", "at least 1 where another vendor's API is to answer")
    return bound


# -- the conversation --------------------------------------------------------------------------------------------


def _message(items: list[Item], message: Json, at: int, ids: CallIds) -> None:
    path = f"messages.{at}"
    if not isinstance(message, dict):
        raise wrong(path, "an object")
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        raise wrong(f"{path}.role", "user, assistant or system")
    if not isinstance(content, list):
        items.append(Message(role, _parts(content, f"{path}.content")))
        return
    parts: list[Part] = []
    before = len(items)
    for index, block in enumerate(content):
        place = f"{path}.content.{index}"
        item = _item(block, place, at, ids)
        if item is None:
            parts.append(_part(block, place))
            continue
        if parts and not isinstance(item, ToolResult):
            items.append(Message(role, tuple(parts)))
            parts.clear()
        items.append(item)
    if parts or len(items) == before:
        items.append(Message(role, tuple(parts)))


def is_item(block: dict[str, Json]) -> bool:
    """Whether a block of a request that was read is an item of its own, rather than part of a message."""
    return block["type"] in ("tool_use", "tool_result", "thinking", "redacted_thinking")


def _item(block: Json, path: str, at: int, ids: CallIds) -> Item | None:
    """The block as an item of its own; None when it is part of message `at`."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "tool_use":
        arguments = _arguments(block, path)
        call_id = ids.called(need(block, "id", path), at)
        return ToolCall(call_id, need(block, "name", path), arguments, cache=cache_of(block))
    if kind == "tool_result":
        content = block.get("content")
        parts = () if content is None else _parts(content, f"{path}.content")
        return ToolResult(
            ids.answered(need(block, "tool_use_id", path)), parts, bool(block.get("is_error")), cache_of(block)
        )
    if kind == "thinking":
        return earlier_thinking(need(block, "thinking", path), block.get("signature"), kind)
    if kind == "redacted_thinking":
        return earlier_thinking("", need(block, "data", path), kind)
    return None


def _arguments(block: dict[str, Any], path: str) -> str:
    arguments = block.get("input")
    if not isinstance(arguments, dict):
        raise wrong(f"{path}.input", "an object")
    try:
        return orjson.dumps(arguments).decode()
    except TypeError:
        raise wrong(f"{path}.input", "an object of at most 250 levels") from None


def _parts(content: Json, path: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    if not isinstance(content, list):
        raise wrong(path, "a string or a list of blocks")
    return tuple(_part(block, f"{path}.{index}") for index, block in enumerate(content))


def _part(block: Json, path: str) -> Part:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise wrong(path, "a block with a type")
    kind = block["type"]
    part: Part | None = None
    if kind == "text":
        part = Text(need(block, "text", path), cache_of(block))
    elif kind == "image":
        part = _image(block)
        kind = "image by file_id"
    elif kind == "document":
        return _document(block)
    return Foreign(DIALECT, kind, block) if part is None else part


def _image(block: dict[str, Any]) -> Image | None:
    source = block.get("source")
    if not isinstance(source, dict):
        return None
    if source.get("type") == "base64" and isinstance(source.get("data"), str):
        return Image(data=source["data"], media_type=str(source.get("media_type", "")), cache=cache_of(block))
    if source.get("type") == "url" and isinstance(source.get("url"), str):
        return Image(url=source["url"], cache=cache_of(block))
    return None


def _document(block: dict[str, Any]) -> Part:
    """The document as a file; kept whole where it says more than a file can (context, citations, nested content)."""
    file, citations = _file(block), block.get("citations")
    cites = isinstance(citations, dict) and citations.get("enabled")
    more = tuple(name for name, said in (("context", block.get("context")), ("citations", cites)) if said)
    if file is None or more or block["source"]["type"] == "content":
        return Foreign(DIALECT, "document", block, plain=file, more=more)
    return file


def _file(block: dict[str, Any]) -> File | None:
    source, title = block.get("source"), block.get("title")
    if not isinstance(source, dict):
        return None
    name = title if isinstance(title, str) else None
    kind, data = source.get("type"), source.get("data")
    media_type = str(source.get("media_type", ""))
    if kind == "base64" and isinstance(data, str):
        return File(data=data, media_type=media_type, filename=name, cache=cache_of(block))
    if kind == "content":
        data = _words(source.get("content"))
    if kind in ("text", "content") and isinstance(data, str):
        encoded = base64.b64encode(data.encode()).decode()
        return File(data=encoded, media_type=media_type or "text/plain", filename=name, cache=cache_of(block))
    if kind == "url" and isinstance(source.get("url"), str):
        return File(url=source["url"], media_type="application/pdf", filename=name, cache=cache_of(block))
    if kind == "file" and isinstance(source.get("file_id"), str):
        return File(file_id=source["file_id"], filename=name, cache=cache_of(block))
    return None


def _words(content: Json) -> str | None:
    """The text of a document that is made of blocks; None where one of them is none."""
    blocks = content if isinstance(content, list) else [{"text": content}]
    texts = [block["text"] for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str)]
    return "\n".join(texts) if texts and len(texts) == len(blocks) else None


# -- thinking, format -------------------------------------------------------------------------------------


def _thinking(body: dict[str, Any], extra: dict[str, Json]) -> tuple[Any, int | None]:
    """Effort and budget; what they cannot say goes to `extra`."""
    thinking, config = body.get("thinking"), body.get("output_config")
    config = dict(config) if isinstance(config, dict) else {}
    config.pop("format", None)
    effort = config.pop("effort", None) if config.get("effort") in _EFFORTS else None
    budget: int | None = None
    if isinstance(thinking, dict):
        rest = {key: value for key, value in thinking.items() if key not in ("type", "budget_tokens")}
        kind = thinking.get("type")
        if kind == "enabled" and isinstance(thinking.get("budget_tokens"), int):
            budget = thinking["budget_tokens"]
        elif kind == "disabled":
            if effort is not None:
                config["effort"] = effort
            effort = "none"
        elif kind != "adaptive" or effort is None:
            rest = dict(thinking)
        if rest:
            extra["thinking"] = rest
    if config:
        extra["output_config"] = config
    return effort, budget


def _summary(thinking: Json) -> str | None:
    """Whether the caller reads the thinking: it does by `display`, and by default where it set a budget."""
    if not isinstance(thinking, dict) or thinking.get("type") not in ("enabled", "adaptive"):
        return None
    display = thinking.get("display") or ("summarized" if thinking["type"] == "enabled" else "omitted")
    return "auto" if display == "summarized" else None


def _output(body: dict[str, Any]) -> OutputFormat | None:
    config = body.get("output_config")
    wanted = (config.get("format") if isinstance(config, dict) else None) or body.get("output_format")
    if not isinstance(wanted, dict):
        return None
    schema = wanted.get("schema")
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        raise wrong("output_config.format", "a json_schema format with its schema")
    return OutputFormat("json_schema", schema, strict=True)


def _user(body: dict[str, Any]) -> str | None:
    metadata = body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user if isinstance(user, str) else None


def _tier(body: dict[str, Any]) -> str | None:
    tier = typed(body, "service_tier", str)
    return None if tier is None else _TIERS.get(tier, tier)
