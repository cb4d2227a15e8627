"""A chat request in the neutral form.

Source: OpenAI's API reference, create chat completion, with the fields its compatible vendors added. Null means absent
everywhere. Fields without a word in the neutral form are kept in `extra` under their wire names, among them tools and
values that only some vendor knows; the target's renderer reports what becomes of them.
"""

from collections.abc import Callable
from typing import get_args

from translators.codec import Envelope
from translators.ir import Effort, Json, OutputFormat, Request, Tool, ToolChoice
from translators.openai.check import Wrong, array, boolean, fail, filled, integer, number, obj, string, strings
from translators.openai_chat.envelope import check_envelope
from translators.openai_chat.history import History
from translators.openai_chat.unread import fields_unread

EFFORTS = frozenset(get_args(Effort))


def parse_request(body: Json, checked: Envelope | None = None) -> Request:
    """Raises Malformed with the field's path."""
    envelope = checked or check_envelope(body)
    try:
        fields, extra = _fields(body)
        return Request(
            model=envelope.model,
            items=_items(body["messages"]),
            stream=envelope.stream,
            include_usage=envelope.include_usage,
            **fields,
            extra=extra | fields_unread(body),
        )
    except Wrong as wrong:
        raise wrong.malformed() from None


def _items(messages: list[dict[str, Json]]) -> tuple[Json, ...]:
    history = History()
    for i, message in enumerate(messages):
        try:
            history.add(message)
        except Wrong as wrong:
            raise wrong.under(f"messages[{i}]") from None
    return tuple(history.items)


def _fields(body: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Arguments for Request by their names there, and what has none."""
    fields: dict[str, Json] = {}
    extra: dict[str, Json] = {}
    for name, value in body.items():
        if value is None or name in _ELSEWHERE:
            continue
        if name in _PLAIN:
            field, read = _PLAIN[name]
            fields[field] = read(value, name)
        else:
            extra[name] = value
    bound = body.get("max_completion_tokens") or body.get("max_tokens")
    if bound is not None:
        fields["max_output"] = bound
    _tools(body, fields, extra)
    _thinking(body, fields, extra)
    if options := body.get("stream_options"):
        options = {name: one for name, one in options.items() if name not in _STREAM_OPTIONS}
        if options:
            extra["stream_options"] = options
    return fields, extra


def _stop(value: Json, path: str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else strings(value, path)


def _bias(value: Json, path: str) -> dict[str, float]:
    return {token: number(bias, f"{path}.{token}") for token, bias in obj(value, path).items()}


def _metadata(value: Json, path: str) -> dict[str, str]:
    return {name: string(one, f"{path}.{name}") for name, one in obj(value, path).items()}


def _whole(value: Json, path: str) -> int:
    return integer(value, path)


def _output(value: Json, path: str) -> OutputFormat:
    kind = string(obj(value, path).get("type"), f"{path}.type")
    if kind == "text":
        return OutputFormat("text")
    if kind == "json_object":
        return OutputFormat("json_object")
    if kind != "json_schema":
        fail(f"{path}.type", "must be text, json_object or json_schema")
    path = f"{path}.json_schema"
    spec = obj(value.get("json_schema"), path)
    schema, description, strict = spec.get("schema"), spec.get("description"), spec.get("strict")
    return OutputFormat(
        "json_schema",
        schema=None if schema is None else obj(schema, f"{path}.schema"),
        name=filled(spec.get("name"), f"{path}.name"),
        description=None if description is None else string(description, f"{path}.description"),
        strict=None if strict is None else boolean(strict, f"{path}.strict"),
    )


def _as_is(value: Json, path: str) -> Json:  # noqa: ARG001 - one shape for all readers
    return value


_PLAIN: dict[str, tuple[str, Callable[[Json, str], Json]]] = {
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "top_k": ("top_k", _whole),
    "presence_penalty": ("presence_penalty", number),
    "frequency_penalty": ("frequency_penalty", number),
    "logit_bias": ("logit_bias", _bias),
    "seed": ("seed", _whole),
    "stop": ("stop", _stop),
    "n": ("n", _whole),
    "logprobs": ("logprobs", boolean),
    "top_logprobs": ("top_logprobs", _whole),
    "parallel_tool_calls": ("parallel_tool_calls", boolean),
    "response_format": ("output", _output),
    "verbosity": ("verbosity", string),
    "user": ("user", string),
    "safety_identifier": ("safety_identifier", string),
    "service_tier": ("service_tier", string),
    "metadata": ("metadata", _metadata),
    "modalities": ("modalities", strings),
    "audio": ("audio", _as_is),
    "prediction": ("prediction", _as_is),
    "web_search_options": ("web_search", _as_is),
}
"""Wire name -> name in Request, and how the value is read."""

_ELSEWHERE = frozenset(
    {
        "model",
        "messages",
        "stream",
        "stream_options",
        "max_completion_tokens",
        "max_tokens",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "reasoning_effort",
        "thinking",
    }
)
"""Fields that are not read one by one."""

_STREAM_OPTIONS = frozenset({"include_usage", "include_obfuscation"})
"""Obfuscation pads OpenAI's own chunks; answers of other dialects have none to leave out."""


def _tools(body: dict[str, Json], fields: dict[str, Json], extra: dict[str, Json]) -> None:
    tools: list[Tool] = []
    foreign: dict[str, Json] = {}
    for i, tool in enumerate(_list(body, "tools")):
        try:
            read = _tool(obj(tool, ""))
        except Wrong as wrong:
            raise wrong.under(f"tools[{i}]") from None
        if read is None:
            foreign[f"tools[{i}]"] = tool
        else:
            tools.append(read)
    for i, function in enumerate(_list(body, "functions")):
        tools.append(_function(obj(function, f"functions[{i}]"), f"functions[{i}]."))
        fields["parallel_tool_calls"] = False  # the form has room for one call
    if tools:
        fields["tools"] = tuple(tools)
    if foreign:
        extra["tools"] = foreign
    _choice(body, fields)


def _list(body: dict[str, Json], name: str) -> list[Json]:
    return [] if body.get(name) is None else array(body[name], name)


def _tool(tool: dict[str, Json]) -> Tool | None:
    """None for a kind of tool that only some vendor knows. Clients of Mistral leave the type of a function out."""
    kind = "function" if tool.get("type") is None and "function" in tool else string(tool.get("type"), "type")
    if kind == "function":
        return _function(obj(tool.get("function"), "function"), "function.", tool)
    if kind == "custom":
        custom = obj(tool.get("custom"), "custom")
        description = custom.get("description")
        return Tool(
            filled(custom.get("name"), "custom.name"),
            description=None if description is None else string(description, "custom.description"),
            custom_format=obj(custom.get("format") or {}, "custom.format"),
        )
    return None


def _function(function: dict[str, Json], path: str, holder: dict[str, Json] | None = None) -> Tool:
    description, parameters = function.get("description"), function.get("parameters")
    strict = function.get("strict")
    cache = (holder or function).get("cache_control") or function.get("cache_control")
    return Tool(
        filled(function.get("name"), f"{path}name"),
        description=None if description is None else string(description, f"{path}description"),
        parameters=None if parameters is None else obj(parameters, f"{path}parameters"),
        strict=None if strict is None else boolean(strict, f"{path}strict"),
        cache=None if cache is None else obj(cache, f"{path}cache_control"),
    )


def _choice(body: dict[str, Json], fields: dict[str, Json]) -> None:
    legacy = body.get("function_call")
    if body.get("tool_choice") is not None:
        choice, path = _tool_choice(body["tool_choice"]), "tool_choice"
    elif isinstance(legacy, dict):
        choice, path = ToolChoice("named", (filled(legacy.get("name"), "function_call.name"),)), "function_call"
    elif legacy is not None:
        choice, path = _mode(legacy, "function_call"), "function_call"
    else:
        return
    known = {tool.name for tool in fields.get("tools", ())}
    if choice.mode == "named" and choice.names[0] not in known:
        fail(path, "names a tool that is not among the tools")
    fields["tool_choice"] = choice


def _tool_choice(value: Json) -> ToolChoice:
    if isinstance(value, str):
        return _mode(value, "tool_choice")
    kind = string(obj(value, "tool_choice").get("type"), "tool_choice.type")
    if kind in ("function", "custom"):
        path = f"tool_choice.{kind}"
        return ToolChoice("named", (filled(obj(value.get(kind), path).get("name"), f"{path}.name"),))
    if kind != "allowed_tools":
        fail("tool_choice.type", "must be function, custom or allowed_tools")
    allowed = obj(value.get("allowed_tools"), "tool_choice.allowed_tools")
    mode = string(allowed.get("mode"), "tool_choice.allowed_tools.mode")
    if mode not in ("auto", "required"):
        fail("tool_choice.allowed_tools.mode", "must be auto or required")
    tools = array(allowed.get("tools"), "tool_choice.allowed_tools.tools")
    names = tuple(_allowed_name(tool, f"tool_choice.allowed_tools.tools[{i}]") for i, tool in enumerate(tools))
    return ToolChoice("allowed", names, required=mode == "required")


def _allowed_name(tool: Json, path: str) -> str:
    kind = string(obj(tool, path).get("type"), f"{path}.type")
    return filled(obj(tool.get(kind), f"{path}.{kind}").get("name"), f"{path}.{kind}.name")


def _mode(value: Json, path: str) -> ToolChoice:
    if value == "auto":
        return ToolChoice("auto")
    if value == "none":
        return ToolChoice("none")
    if value in ("required", "any"):
        return ToolChoice("required")
    return fail(path, "must be none, auto, required or an object that names a tool")


def _thinking(body: dict[str, Json], fields: dict[str, Json], extra: dict[str, Json]) -> None:
    """The effort asked for; Anthropic's `thinking` object is understood where it says no more than a budget."""
    effort, thinking = body.get("reasoning_effort"), body.get("thinking")
    if effort is not None:
        if string(effort, "reasoning_effort") in EFFORTS:
            fields["effort"] = effort
        else:
            extra["reasoning_effort"] = effort
    if thinking is None:
        return
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if isinstance(budget, int) and not isinstance(budget, bool) and thinking.get("type") == "enabled":
        fields["thinking_budget"] = budget
    elif thinking == {"type": "disabled"} and effort is None:
        fields["effort"] = "none"
    else:
        extra["thinking"] = thinking
