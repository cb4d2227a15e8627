"""A Gemini client's request, read into the neutral form.

The format has the model and the wish for a stream in the address, not in the body: the edge puts them there as `model`
and `stream` before anything here reads it. What has no neutral word is kept: a top-level field by its name in `extra`,
unknown members of `generationConfig` and `toolConfig` under theirs, and tools that Google runs itself, whole, under
`tools`. Names may be in camel or in snake case, and values of enums names or numbers (see `enums`). Source: Google's
Gemini API reference (GenerateContentRequest).
"""

from msgspec import structs

from translators.codec import Envelope
from translators.faults import Malformed
from translators.gemini.enums import LEVELS, MODALITIES, MODES, NUMBERED_MODES, TYPES, named, only_named
from translators.gemini.history import History, part_list, read_part
from translators.gemini.reading import member, need, strings, typed, wrong
from translators.gemini.unread import fields_unread
from translators.gemini.wire import camel
from translators.ir import Effort, Json, Message, OutputFormat, Request, Tool, ToolChoice

_READ = frozenset(
    ("model", "stream", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier")
)
"""Top-level fields with a neutral word; all others go to `extra`."""
_CONFIG_READ = frozenset(
    (
        "maxOutputTokens",
        "temperature",
        "topP",
        "topK",
        "candidateCount",
        "stopSequences",
        "seed",
        "presencePenalty",
        "frequencyPenalty",
        "responseLogprobs",
        "logprobs",
        "responseMimeType",
        "responseSchema",
        "responseJsonSchema",
        "responseModalities",
        "thinkingConfig",
    )
)
_TIERS = {"standard": "default"}
_LEVELS: dict[str, Effort] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
}
_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
_JSON = "application/json"


def check_envelope(body: Json) -> Envelope:
    if not isinstance(body, dict):
        raise Malformed("The request body must be a JSON object.")
    model, contents, stream = body.get("model"), body.get("contents"), body.get("stream")
    if not isinstance(model, str) or not model:
        raise Malformed("The field model must be a non-empty string.", param="model")
    if not isinstance(contents, list) or not contents:
        raise Malformed("The field contents must be a non-empty list.", param="contents")
    if stream is not None and not isinstance(stream, bool):
        raise Malformed("The field stream must be true or false.", param="stream")
    return Envelope(model, bool(stream), include_usage=True, thinks=_thinks(body))


def _thinks(body: dict[str, Json]) -> bool | None:
    config = camel(body).get("generationConfig")
    thinking = camel(config).get("thinkingConfig") if isinstance(config, dict) else None
    if not isinstance(thinking, dict):
        return None
    thinking = camel(thinking)
    budget = thinking.get("thinkingBudget")
    return budget != 0 if budget is not None or thinking.get("thinkingLevel") else None


def parse_request(body: Json, checked: Envelope | None = None) -> Request:
    envelope = checked or check_envelope(body)
    body = camel(body)
    history = History()
    _system(history, body.get("systemInstruction"))
    for index, content in enumerate(body["contents"]):
        history.add(content, f"contents[{index}]")
    extra = {name: value for name, value in body.items() if name not in _READ}
    config = camel(member(body, "generationConfig", ""))
    rest = {name: value for name, value in config.items() if name not in _CONFIG_READ}
    if rest:
        extra["generationConfig"] = rest
    tools, search = _tools(body.get("tools"), extra)
    choice, strict = _choice(body, extra)
    if strict:
        tools = tuple(structs.replace(one, strict=True) for one in tools)
    thinking = camel(member(config, "thinkingConfig", "generationConfig."))
    effort, budget = _thinking(thinking)
    return Request(
        model=envelope.model,
        items=tuple(history.items),
        stream=envelope.stream,
        include_usage=True,
        max_output=typed(config, "maxOutputTokens", int),
        temperature=typed(config, "temperature", (int, float)),
        top_p=typed(config, "topP", (int, float)),
        top_k=typed(config, "topK", int),
        presence_penalty=typed(config, "presencePenalty", (int, float)),
        frequency_penalty=typed(config, "frequencyPenalty", (int, float)),
        seed=typed(config, "seed", int),
        stop=tuple(strings(config, "stopSequences")),
        n=typed(config, "candidateCount", int) or 1,
        logprobs=True if config.get("responseLogprobs") is True else None,
        top_logprobs=typed(config, "logprobs", int),
        tools=tools,
        tool_choice=choice,
        output=_output(config),
        effort=effort,
        thinking_budget=budget,
        reasoning_summary="auto" if thinking.get("includeThoughts") is True else None,
        service_tier=_tier(body),
        modalities=_modalities(config),
        web_search=search,
        extra=extra | fields_unread(body),
    )


def _system(history: History, instruction: Json) -> None:
    if not instruction:
        return
    if isinstance(instruction, str):
        instruction = {"parts": [{"text": instruction}]}
    if not isinstance(instruction, dict):
        raise wrong("systemInstruction", "an object")
    path = "systemInstruction"
    parts = [
        read_part(part, f"{path}.parts[{index}]") for index, part in enumerate(part_list(camel(instruction), path))
    ]
    if parts:
        history.items.append(Message("system", tuple(parts)))


# -- tools -------------------------------------------------------------------------------------------------------


def _tools(tools: Json, extra: dict[str, Json]) -> tuple[tuple[Tool, ...], Json]:
    """The caller's own functions, and a plain web search; other tools that Google runs go to `extra`, whole."""
    if isinstance(tools, dict):
        tools = [tools]
    if tools is not None and not isinstance(tools, list):
        raise wrong("tools", "a list")
    functions: list[Tool] = []
    search: Json = None
    for index, tool in enumerate(tools or ()):
        if not isinstance(tool, dict):
            raise wrong(f"tools[{index}]", "an object")
        run = camel(tool)
        declared = run.get("functionDeclarations")
        run = {name: value for name, value in run.items() if name != "functionDeclarations"}
        if declared is not None and not isinstance(declared, list):
            raise wrong(f"tools[{index}].functionDeclarations", "a list")
        functions += [
            _function(one, f"tools[{index}].functionDeclarations[{i}]") for i, one in enumerate(declared or ())
        ]
        if run.get("googleSearch") == {}:
            search = {}
            run = {name: value for name, value in run.items() if name != "googleSearch"}
        if run:
            extra.setdefault("tools", {})[f"tools[{index}]"] = run
    return tuple(functions), search


def _function(declared: Json, path: str) -> Tool:
    if not isinstance(declared, dict):
        raise wrong(path, "an object")
    declared = camel(declared)
    name, description = need(declared, "name", path), declared.get("description")
    schema = declared.get("parametersJsonSchema")
    if schema is None and isinstance(declared.get("parameters"), dict):
        schema = plain_schema(declared["parameters"], f"{path}.parameters")
    if schema is not None and not isinstance(schema, dict):
        raise wrong(f"{path}.parametersJsonSchema", "an object")
    known = ("name", "description", "parameters", "parametersJsonSchema")
    return Tool(
        name,
        description if isinstance(description, str) else None,
        schema,
        extra={key: value for key, value in declared.items() if key not in known},
    )


def plain_schema(schema: Json, path: str, depth: int = 0) -> Json:
    """A schema in Google's older form as JSON Schema: types in small letters, `nullable` as a type of its own, counts
    as numbers. Raises Malformed for a type that is none."""
    if isinstance(schema, list):
        return [plain_schema(one, path, depth + 1) for one in schema]
    if not isinstance(schema, dict) or depth > 128:
        return schema
    schema = camel(schema)
    plain: dict[str, Json] = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str | int):
            plain[key] = named(value, TYPES, f"{path}.type").lower()
        elif key == "properties" and isinstance(value, dict):
            plain[key] = {name: plain_schema(one, path, depth + 1) for name, one in value.items()}
        elif key in ("items", "anyOf"):
            plain[key] = plain_schema(value, path, depth + 1)
        elif key in _COUNTS and isinstance(value, str) and value.isdecimal():
            plain[key] = int(value[:20])
        elif key != "nullable":
            plain[key] = value
    if schema.get("nullable") is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


def _choice(body: dict[str, Json], extra: dict[str, Json]) -> tuple[ToolChoice | None, bool]:
    """The choice, and whether calls must keep to their schemas. What else the field says goes to `extra`."""
    whole = camel(member(body, "toolConfig", ""))
    config = camel(member(whole, "functionCallingConfig", "toolConfig."))
    rest = {name: value for name, value in whole.items() if name != "functionCallingConfig"}
    if rest:
        extra["toolConfig"] = rest
    names = config.get("allowedFunctionNames")
    allowed = tuple(one for one in names if isinstance(one, str)) if isinstance(names, list) else ()
    given = config.get("mode")
    mode = MODES[0] if given is None else named(given, MODES, "toolConfig.functionCallingConfig.mode", NUMBERED_MODES)
    if mode == MODES[0]:
        return None, False
    if mode == "ANY" and len(allowed) == 1:
        return ToolChoice("named", allowed), False
    if mode in ("ANY", "VALIDATED") and allowed:
        return ToolChoice("allowed", allowed, required=mode == "ANY"), False
    if mode == "VALIDATED":
        return ToolChoice("auto"), True
    modes = {"AUTO": ToolChoice("auto"), "NONE": ToolChoice("none"), "ANY": ToolChoice("required")}
    return modes[mode], False


# -- the rest ----------------------------------------------------------------------------------------------------


def _thinking(thinking: dict[str, Json]) -> tuple[Effort | None, int | None]:
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if budget == 0 and not isinstance(budget, bool):
        return "none", None
    effort = None
    if level is not None:
        effort = _LEVELS.get(only_named(level, LEVELS, "generationConfig.thinkingConfig.thinkingLevel"))
    asked = isinstance(budget, int) and not isinstance(budget, bool) and budget > 0
    return effort, budget if asked else None


def _output(config: dict[str, Json]) -> OutputFormat | None:
    schema = config.get("responseJsonSchema")
    if schema is None and isinstance(config.get("responseSchema"), dict):
        schema = plain_schema(config["responseSchema"], "generationConfig.responseSchema")
    if isinstance(schema, dict):
        return OutputFormat("json_schema", schema)
    kind = config.get("responseMimeType")
    if kind in (None, "text/plain"):
        return None
    if kind == _JSON:
        return OutputFormat("json_object")
    raise wrong("generationConfig.responseMimeType", "text/plain or application/json")


def _tier(body: dict[str, Json]) -> str | None:
    tier = body.get("serviceTier")
    if tier is not None and not isinstance(tier, str):
        raise wrong("serviceTier", "a name")
    if tier is None or tier.lower() == "unspecified":
        return None
    return _TIERS.get(tier.lower(), tier.lower())


def _modalities(config: dict[str, Json]) -> tuple[str, ...]:
    path, given = "generationConfig.responseModalities", config.get("responseModalities")
    if given is not None and not isinstance(given, list):
        raise wrong(path, "a list of names")
    return tuple(named(one, MODALITIES, path).lower() for one in given or ())
