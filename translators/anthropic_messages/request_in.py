"""An Anthropic client's request, read into the neutral form.

Only what the format says is read strictly. What this form has no word for is kept whole: a block as `Foreign`, a
tool that Anthropic runs itself and an unknown top-level field in `Request.extra`. A plain web search has a neutral
word. Source: Anthropic's Messages reference.

Odd cases: the tool results of a user turn come first, as other dialects demand; thinking is kept with its signature,
but without an origin unless the signature is a mark of ours (see `marks`), and so it goes to no other place; `adaptive`
thinking without an effort has no neutral word and stays an extension field, as do `display` and an effort beside
disabled thinking; citations on text that a client sends back are not kept, the text is, and that is reported.
"""

import base64
from typing import Any

import orjson

from translators.anthropic_messages.marks import earlier_thinking
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
    Tool,
    ToolCall,
    ToolChoice,
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
MESSAGES_CAP = 100_000
"""Anthropic's own limit."""
_TIERS = {"auto": "auto", "standard_only": "default"}
_TOOL_FIELDS = frozenset(("type", "name", "description", "input_schema", "strict", "cache_control"))


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


def parse_request(body: Json) -> Request:
    envelope = check_envelope(body)
    items: list[Item] = []
    system = body.get("system")
    if system:
        items.append(Message("system", _parts(system, "system")))
    for index, message in enumerate(body["messages"]):
        _message(items, message, f"messages[{index}]")
    extra = {name: value for name, value in body.items() if name not in _READ}
    effort, budget = _thinking(body, extra)
    tools, search = _tools(body, extra)
    choice, parallel = _choice(body.get("tool_choice"))
    return Request(
        model=envelope.model,
        items=tuple(items),
        stream=envelope.stream,
        include_usage=True,
        max_output=_typed(body, "max_tokens", int),
        temperature=_typed(body, "temperature", (int, float)),
        top_p=_typed(body, "top_p", (int, float)),
        top_k=_typed(body, "top_k", int),
        stop=tuple(_strings(body, "stop_sequences")),
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


# -- the conversation --------------------------------------------------------------------------------------------


def _message(items: list[Item], message: Json, path: str) -> None:
    if not isinstance(message, dict):
        raise _wrong(path, "an object")
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        raise _wrong(f"{path}.role", "user, assistant or system")
    if not isinstance(content, list):
        items.append(Message(role, _parts(content, f"{path}.content")))
        return
    parts: list[Part] = []
    before = len(items)
    for index, block in enumerate(content):
        place = f"{path}.content[{index}]"
        item = _item(block, place)
        if item is None:
            parts.append(_part(block, place))
            continue
        if parts and not isinstance(item, ToolResult):
            items.append(Message(role, tuple(parts)))
            parts.clear()
        items.append(item)
    if parts or len(items) == before:
        items.append(Message(role, tuple(parts)))


def _item(block: Json, path: str) -> Item | None:
    """The block as an item of its own; None when it is part of a message."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "tool_use":
        arguments = _arguments(block, path)
        return ToolCall(_need(block, "id", path), _need(block, "name", path), arguments, cache=_cache(block))
    if kind == "tool_result":
        content = block.get("content")
        parts = () if content is None else _parts(content, f"{path}.content")
        return ToolResult(_need(block, "tool_use_id", path), parts, bool(block.get("is_error")), _cache(block))
    if kind == "thinking":
        return earlier_thinking(_need(block, "thinking", path), block.get("signature"), kind)
    if kind == "redacted_thinking":
        return earlier_thinking("", _need(block, "data", path), kind)
    return None


def _arguments(block: dict[str, Any], path: str) -> str:
    arguments = block.get("input")
    if not isinstance(arguments, dict):
        raise _wrong(f"{path}.input", "an object")
    try:
        return orjson.dumps(arguments).decode()
    except TypeError:
        raise _wrong(f"{path}.input", "an object of at most 250 levels") from None


def _parts(content: Json, path: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    if not isinstance(content, list):
        raise _wrong(path, "a string or a list of blocks")
    return tuple(_part(block, f"{path}[{index}]") for index, block in enumerate(content))


def _part(block: Json, path: str) -> Part:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise _wrong(path, "a block with a type")
    kind = block["type"]
    part: Part | None = None
    if kind == "text":
        part = Text(_need(block, "text", path), _cache(block))
    elif kind == "image":
        part = _image(block)
    elif kind == "document":
        part = _document(block)
    return Foreign(DIALECT, kind, block) if part is None else part


def _image(block: dict[str, Any]) -> Image | None:
    source = block.get("source")
    if not isinstance(source, dict):
        return None
    if source.get("type") == "base64" and isinstance(source.get("data"), str):
        return Image(data=source["data"], media_type=str(source.get("media_type", "")), cache=_cache(block))
    if source.get("type") == "url" and isinstance(source.get("url"), str):
        return Image(url=source["url"], cache=_cache(block))
    return None


def _document(block: dict[str, Any]) -> File | None:
    """The document as a file; None when it says more than a file can (context, citations, nested content)."""
    source, title = block.get("source"), block.get("title")
    if not isinstance(source, dict) or block.get("context") or (block.get("citations") or {}).get("enabled"):
        return None
    name = title if isinstance(title, str) else None
    kind, data = source.get("type"), source.get("data")
    media_type = str(source.get("media_type", ""))
    if kind == "base64" and isinstance(data, str):
        return File(data=data, media_type=media_type, filename=name, cache=_cache(block))
    if kind == "text" and isinstance(data, str):
        encoded = base64.b64encode(data.encode()).decode()
        return File(data=encoded, media_type=media_type or "text/plain", filename=name, cache=_cache(block))
    if kind == "url" and isinstance(source.get("url"), str):
        return File(url=source["url"], media_type="application/pdf", filename=name, cache=_cache(block))
    if kind == "file" and isinstance(source.get("file_id"), str):
        return File(file_id=source["file_id"], filename=name, cache=_cache(block))
    return None


def _cache(block: dict[str, Any]) -> dict[str, Json] | None:
    marker = block.get("cache_control")
    return marker if isinstance(marker, dict) else None


# -- tools, thinking, format -------------------------------------------------------------------------------------


def _tools(body: dict[str, Any], extra: dict[str, Json]) -> tuple[tuple[Tool, ...], Json]:
    """The caller's own tools, and a plain web search; other tools that Anthropic runs go to `extra`, whole."""
    tools: list[Tool] = []
    search: Json = None
    for index, tool in enumerate(_list(body, "tools")):
        if not isinstance(tool, dict):
            raise _wrong(f"tools[{index}]", "an object")
        if tool.get("type") in (None, "custom"):
            tools.append(_tool(tool, f"tools[{index}]"))
        elif _is_plain_search(tool):
            place = tool.get("user_location")
            search = {"user_location": {"type": "approximate", "approximate": place}} if place else {}
        else:
            extra.setdefault("tools", []).append(tool)
    return tuple(tools), search


def _is_plain_search(tool: dict[str, Any]) -> bool:
    """Whether this is a web search that says nothing another dialect could not say."""
    said = {name for name, value in tool.items() if value is not None}
    return str(tool["type"]).startswith("web_search_") and said <= {"type", "name", "user_location"}


def _tool(tool: dict[str, Any], path: str) -> Tool:
    schema = tool.get("input_schema")
    if schema is not None and not isinstance(schema, dict):
        raise _wrong(f"{path}.input_schema", "an object")
    description, strict = tool.get("description"), tool.get("strict")
    return Tool(
        _need(tool, "name", path),
        description if isinstance(description, str) else None,
        schema,
        strict if isinstance(strict, bool) else None,
        cache=_cache(tool),
        extra={name: value for name, value in tool.items() if name not in _TOOL_FIELDS},
    )


def _choice(choice: Json) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and False when parallel calls are forbidden."""
    if choice is None:
        return None, None
    kind = choice.get("type") if isinstance(choice, dict) else None
    parallel = False if kind and choice.get("disable_parallel_tool_use") else None
    if kind == "tool":
        return ToolChoice("named", (_need(choice, "name", "tool_choice"),)), parallel
    if kind == "any":
        return ToolChoice("required"), parallel
    if kind in ("auto", "none"):
        return ToolChoice(kind), parallel
    raise _wrong("tool_choice.type", "auto, any, tool or none")


def _thinking(body: dict[str, Any], extra: dict[str, Json]) -> tuple[Any, int | None]:
    """Effort and budget; what they cannot say goes to `extra`."""
    thinking, config = body.get("thinking"), body.get("output_config")
    config = dict(config) if isinstance(config, dict) else {}
    config.pop("format", None)
    effort = config.pop("effort", None)
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
    return effort if effort in ("none", "low", "medium", "high", "xhigh", "max") else None, budget


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
        raise _wrong("output_config.format", "a json_schema format with its schema")
    return OutputFormat("json_schema", schema, strict=True)


def _user(body: dict[str, Any]) -> str | None:
    metadata = body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user if isinstance(user, str) else None


def _tier(body: dict[str, Any]) -> str | None:
    tier = _typed(body, "service_tier", str)
    return None if tier is None else _TIERS.get(tier, tier)


# -- reading fields ----------------------------------------------------------------------------------------------


def _wrong(path: str, wanted: str) -> Malformed:
    return Malformed(f"The field {path} must be {wanted}.", param=path)


def _need(value: dict[str, Any], name: str, path: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise _wrong(f"{path}.{name}", "a string")
    return found


_WORDS = {int: "a whole number", str: "a string", (int, float): "a number"}


def _typed(body: dict[str, Any], name: str, kind: Any) -> Any:
    """The field if it has the type, None if it is absent. Raises Malformed."""
    value = body.get(name)
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    raise _wrong(name, _WORDS[kind])


def _list(body: dict[str, Any], name: str) -> list[Json]:
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise _wrong(name, "a list")
    return value or []


def _strings(body: dict[str, Any], name: str) -> list[str]:
    values = _list(body, name)
    if not all(isinstance(one, str) for one in values):
        raise _wrong(name, "a list of strings")
    return values
