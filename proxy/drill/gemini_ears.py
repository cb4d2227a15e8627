"""What a scripted provider of the Gemini dialect takes (Gemini API reference, generateContent and function calling).

Its checks are those a real server makes and a translator can fail: unknown names anywhere, turns in an order that
function calls allow, as many results as calls, tokens that were given here, and thought signatures. The first call of
each step of the current turn must have one; it counts only where it stood, so `signature` makes it out of the
provider's name and the part. A call that is another's may bear `SKIP_SIGNATURE` instead. Models named gemini-2 neither
sign nor ask for it.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from proxy.drill.checks import names, unknown
from proxy.drill.gemini_schema import schema_problem
from proxy.drill.speech import Question, Tool, digest

SKIP_SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()
Json = Mapping[str, Any]

_BODY = names(
    "contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent serviceTier store"
    " continuationToken"
)
_CONFIG = names(
    "maxOutputTokens stopSequences temperature topP topK candidateCount seed presencePenalty frequencyPenalty"
    " responseLogprobs logprobs responseMimeType responseSchema responseJsonSchema responseModalities thinkingConfig"
    " mediaResolution speechConfig imageConfig"
)
_DATA = names("text inlineData fileData functionCall functionResponse executableCode codeExecutionResult")
_PART = _DATA | {"thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"}
_INSIDE = {
    "inlineData": frozenset(("mimeType", "data")),
    "fileData": frozenset(("mimeType", "fileUri")),
    "functionCall": frozenset(("id", "name", "args")),
    "functionResponse": frozenset(("id", "name", "response", "parts")),
}
_TOOL = names("functionDeclarations googleSearch urlContext codeExecution googleMaps fileSearch")
_DECLARATION = names("name description parameters parametersJsonSchema behavior response responseJsonSchema")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}\Z")
_THINKING = frozenset(("includeThoughts", "thinkingBudget", "thinkingLevel"))
_LEVELS = ("minimal", "low", "medium", "high", "xhigh")


def hear(body: Json, model: str, provider: str, key: str, *, stream: bool) -> Question | str:
    """The question, or what a real server would refuse about it. Raises KeyError, TypeError, ValueError or
    AttributeError on a body whose shape is no request at all."""
    if problem := next(_problems(body, model, provider), None):
        return problem
    contents = body["contents"]
    asked = _began(contents)
    parts = [part for content in contents for part in content["parts"]]
    users = [_text(one["parts"]) for one in contents if one.get("role") != "model" and _text(one["parts"])]
    config = body.get("generationConfig") or {}
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    heard = _text((body.get("systemInstruction") or {}).get("parts") or ()) + _text(parts)
    return Question(
        key=key,
        provider=provider,
        model=model,
        stream=stream,
        text=users[-1] if users else "",
        heard=len(heard.encode()),
        images=tuple(_media_type(part) for part in parts if part.keys() & {"inlineData", "fileData"}),
        tool_results=sum("functionResponse" in part for part in contents[-1]["parts"]),
        steps=sum("functionResponse" in part for content in contents[asked:] for part in content["parts"]),
        tools=_tools(body, calling),
        forced=calling.get("mode") == "ANY",
        schema=_schema(config),
        reasoning=_reasoning(config.get("thinkingConfig") or {}),
        max_tokens=config.get("maxOutputTokens"),
        n=config.get("candidateCount") or 1,
    )


def signs(model: str) -> bool:
    """Whether a model signs its calls, gives them ids, and asks for the signatures again."""
    return not model.startswith("gemini-2")


def signature(provider: str, part: Json) -> str:
    """What this provider signs `part` with: bytes, so base64."""
    about = orjson.dumps([part.get("text"), part.get("functionCall")], option=orjson.OPT_SORT_KEYS)
    return base64.b64encode(f"sig-{provider}-{digest(about)}".encode()).decode()


def continuation(provider: str) -> str:
    """What this provider wants to be sent for the rest of an answer that it paused."""
    return f"continue-{provider}"


# -- checks ---------------------------------------------------------------------------------------------------------


def _problems(body: Json, model: str, provider: str) -> Iterator[str]:
    """What is wrong, in the order a server finds it: names, then values, then the conversation."""
    yield from _unknown(body, _BODY, "")
    if not body.get("contents"):
        yield "* GenerateContentRequest.contents: contents is not specified"
    for at, content in enumerate([*body["contents"], *filter(None, [body.get("systemInstruction")])]):
        yield from _content_problems(content, f"contents[{at}]")
    if body.get("continuationToken", continuation(provider)) != continuation(provider):
        yield "Invalid continuation_token."
    yield from _config_problems(body.get("generationConfig") or {}, model)
    yield from _tool_problems(body)
    yield from _order_problems(body["contents"])
    if signs(model):
        yield from _signature_problems(body["contents"], provider)


def _unknown(given: Json, known: frozenset[str], at: str) -> Iterator[str]:
    for name in unknown(given, known):
        yield f"Invalid JSON payload received. Unknown name {orjson.dumps(name).decode()} at '{at}': Cannot find field."


def _content_problems(content: Json, at: str) -> Iterator[str]:
    yield from _unknown(content, frozenset(("role", "parts")), at)
    if content.get("role", "user") not in ("user", "model"):
        yield "Please use a valid role: user, model."
    if not content.get("parts"):
        yield f"* GenerateContentRequest.{at}.parts: contents.parts must not be empty."
    for index, part in enumerate(content["parts"]):
        where = f"{at}.parts[{index}]"
        yield from _unknown(part, _PART, where)
        said = part.keys() & _DATA
        if len(said) != 1 or (part.get("text") == "" and "thoughtSignature" not in part):
            yield f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field"
        for name in said & _INSIDE.keys():
            yield from _unknown(part[name], _INSIDE[name], f"{where}.{name}")
        if "functionCall" in part and not isinstance(part["functionCall"].get("args", {}), dict):
            yield f"Invalid value at '{where}.function_call.args' (type.googleapis.com/google.protobuf.Struct)"
        if "functionResponse" in part and not isinstance(part["functionResponse"]["response"], dict):
            yield f"Invalid value at '{where}.function_response.response' (type.googleapis.com/google.protobuf.Struct)"


def _config_problems(config: Json, model: str) -> Iterator[str]:
    yield from _unknown(config, _CONFIG, "generation_config")
    if config.get("maxOutputTokens", 1) < 1:
        yield "max_output_tokens must be positive."
    if len(config.get("stopSequences") or ()) > 5:
        yield "The number of stop sequences must not exceed 5."
    if {"responseSchema", "responseJsonSchema"} <= config.keys():
        yield "response_schema and response_json_schema cannot both be set."
    if "responseJsonSchema" in config:
        if config.get("responseMimeType") != "application/json":
            yield "response_json_schema is only allowed with the mime type application/json."
        yield from schema_problem(config["responseJsonSchema"], "response_json_schema")
    if signs(model):
        if config.get("candidateCount", 1) != 1:
            yield "Multiple candidates is not enabled for this model"
        if config.keys() & {"presencePenalty", "frequencyPenalty"}:
            yield f"Penalty is not enabled for models/{model}"
    yield from _thinking_problems(config.get("thinkingConfig") or {}, model)


def _thinking_problems(thinking: Json, model: str) -> Iterator[str]:
    yield from _unknown(thinking, _THINKING, "generation_config.thinking_config")
    if {"thinkingBudget", "thinkingLevel"} <= thinking.keys():
        yield "You can only set only one of thinking budget and thinking level."
    if thinking.get("thinkingLevel", "low").lower() not in _LEVELS:
        yield "Invalid value at 'generation_config.thinking_config.thinking_level'"
    if "thinkingLevel" in thinking and not signs(model):
        yield "Thinking level is not supported for this model."


def _tool_problems(body: Json) -> Iterator[str]:
    declared: list[str] = []
    for index, tool in enumerate(body.get("tools") or ()):
        yield from _unknown(tool, _TOOL, f"tools[{index}]")
        for position, told in enumerate(tool.get("functionDeclarations") or ()):
            at = f"tools[{index}].function_declarations[{position}]"
            yield from _unknown(told, _DECLARATION, at)
            if not _NAME.match(told["name"]):
                yield f"* GenerateContentRequest.{at}.name: Invalid function name."
            if told["name"] in declared:
                yield f"Duplicate function declaration found: {told['name']}"
            if {"parameters", "parametersJsonSchema"} <= told.keys():
                yield f"{at}: parameters and parameters_json_schema cannot both be set."
            yield from schema_problem(told.get("parametersJsonSchema") or {}, at)
            declared.append(told["name"])
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    yield from _unknown(calling, frozenset(("mode", "allowedFunctionNames")), "tool_config.function_calling_config")
    if calling.get("mode", "AUTO") not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        yield "Invalid value at 'tool_config.function_calling_config.mode'"
    allowed = calling.get("allowedFunctionNames") or ()
    if allowed and calling.get("mode") not in ("ANY", "VALIDATED"):
        yield "Allowed function names should be set only when function calling mode is ANY or VALIDATED."
    if not set(allowed) <= set(declared):
        yield "allowed_function_names must be a subset of the declared functions."


def _order_problems(contents: Sequence[Json]) -> Iterator[str]:
    due: list[Json] = []
    before = ""
    for content in contents:
        results = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        if results and not due:
            yield "Please ensure that function response turn comes immediately after a function call turn."
        if len(results) != len(due):
            yield (
                "Please ensure that the number of function response parts is equal to the number of function call"
                " parts of the function call turn."
            )
        if sorted(one["name"] for one in results) != sorted(one["name"] for one in due):
            yield "The names of the function responses are not those of the function calls."
        issued = {one["id"] for one in due if "id" in one}
        if {one["id"] for one in results if "id" in one} - issued:
            yield "The id of a function response is not that of a function call."
        if calls and before != "user":
            yield "Please ensure that function call turn comes immediately after a user turn or after a function"
        due, before = calls, content.get("role", "user")
    if due:
        yield "Please ensure that the number of function response parts is equal to the number of function call parts"


def _signature_problems(contents: Sequence[Json], provider: str) -> Iterator[str]:
    began = _began(contents)
    for at, content in enumerate(contents):
        called = False
        for position, part in enumerate(content["parts"]):
            signed = part.get("thoughtSignature")
            if signed is not None and not _genuine(signed, provider, part):
                yield "Corrupted thought signature."
            if "functionCall" in part and not called and signed is None and at > began:
                name = part["functionCall"]["name"]
                yield (
                    "Function call is missing a thought_signature in functionCall parts. Additional data,"
                    f" function call `default_api:{name}`, position {position + 1}."
                )
            called = called or "functionCall" in part


def _began(contents: Sequence[Json]) -> int:
    """Where the current turn began: at the last content of the user's that is no result."""
    return max((at for at, one in enumerate(contents) if _begins_turn(one)), default=0)


def _begins_turn(content: Json) -> bool:
    return content.get("role") != "model" and not any("functionResponse" in part for part in content["parts"])


def _genuine(signed: str, provider: str, part: Json) -> bool:
    return signed in (SKIP_SIGNATURE, signature(provider, part))


# -- what is asked ----------------------------------------------------------------------------------------------------


def _text(parts: Sequence[Json]) -> str:
    return " ".join(part["text"] for part in parts if part.get("text") and not part.get("thought"))


def _media_type(part: Json) -> str:
    return part["inlineData"]["mimeType"] if "inlineData" in part else "url"


def _tools(body: Json, calling: Json) -> tuple[Tool, ...]:
    if calling.get("mode") == "NONE":
        return ()
    told = [one for tool in body.get("tools") or () for one in tool.get("functionDeclarations") or ()]
    allowed = calling.get("allowedFunctionNames")
    return tuple(
        Tool(one["name"], one.get("parametersJsonSchema") or one.get("parameters") or {})
        for one in told
        if not allowed or one["name"] in allowed
    )


def _schema(config: Json) -> Json | None:
    if config.get("responseMimeType") != "application/json":
        return None
    return config.get("responseJsonSchema") or config.get("responseSchema") or {}


def _reasoning(thinking: Json) -> Any:
    if thinking.get("includeThoughts"):
        return "shown"
    return "hidden" if thinking.get("thinkingLevel") or thinking.get("thinkingBudget") else "no"
