"""Where the things that a renderer's Report names stand in a Gemini client's request, and what they are called
there."""

from collections.abc import Iterator, Sequence

from translators.gemini.history import is_item, part_list, response_parts
from translators.gemini.wire import camel
from translators.ir import Json
from translators.report import Naming, Place

_FIELDS = {
    "messages": "contents",
    "max_completion_tokens": "generationConfig.maxOutputTokens",
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "n": "generationConfig.candidateCount",
    "stop": "generationConfig.stopSequences",
    "seed": "generationConfig.seed",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "logprobs": "generationConfig.responseLogprobs",
    "top_logprobs": "generationConfig.logprobs",
    "modalities": "generationConfig.responseModalities",
    "reasoning_effort": "generationConfig.thinkingConfig",
    "reasoning.summary": "generationConfig.thinkingConfig.includeThoughts",
    "thinking.budget_tokens": "generationConfig.thinkingConfig.thinkingBudget",
    "service_tier": "serviceTier",
    "tool_choice": "toolConfig.functionCallingConfig",
    "tool_choice.allowed_tools": "toolConfig.functionCallingConfig.allowedFunctionNames",
    "web_search_options": "tools",
}
_DETAILS = {
    ".function.strict": "",
    ".function.description": ".description",
    ".function.name": ".name",
    ".arguments": ".functionCall.args",
    ".opaque": ".thoughtSignature",
    ".is_error": ".functionResponse.response",
    ".filename": ".inlineData.displayName",
}


def naming(body: dict[str, Json]) -> Naming:
    body = camel(body)
    tools = list(_tools(body))
    return Naming(_fields(body), _details(tools), lambda: list(_places(body)), lambda: [path for path, _ in tools])


def _fields(body: dict[str, Json]) -> dict[str, str]:
    """The answer's form as it was said."""
    config = camel(body.get("generationConfig") or {})
    said = ("responseJsonSchema", "responseSchema")
    schema = f"generationConfig.{next((name for name in said if config.get(name)), said[0])}"
    schemas = {"response_format.json_schema": schema, "response_format.json_schema.schema": schema}
    return {**_FIELDS, "response_format": "generationConfig.responseMimeType", **schemas}


def _details(tools: Sequence[tuple[str, dict[str, Json]]]) -> dict[str, str]:
    older = any("parametersJsonSchema" not in function and "parameters" in function for _, function in tools)
    return {**_DETAILS, ".function.parameters": ".parameters" if older else ".parametersJsonSchema"}


def _tools(body: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    given = body.get("tools") or ()
    for i, tool in enumerate([given] if isinstance(given, dict) else given):
        for j, function in enumerate(camel(tool).get("functionDeclarations") or ()):
            yield f"tools[{i}].functionDeclarations[{j}]", camel(function)


def _places(body: dict[str, Json]) -> Iterator[Place]:
    instruction = body.get("systemInstruction")
    if isinstance(instruction, str) and instruction:
        yield Place("systemInstruction", ("systemInstruction",))
    elif instruction and (count := len(part_list(camel(instruction), ""))):
        yield Place("systemInstruction", tuple(f"systemInstruction.parts[{j}]" for j in range(count)))
    for i, content in enumerate(body["contents"]):
        yield from _of(camel(content), f"contents[{i}]")


def _of(content: dict[str, Json], path: str) -> Iterator[Place]:
    """The items that a content's parts are read as: some stand alone, others together."""
    parts: list[str] = []
    alone = False
    for j, part in enumerate(part_list(content, path)):
        place = f"{path}.parts[{j}]"
        if not is_item(part, content.get("role")):
            parts.append(place)
            continue
        if parts:
            yield Place(path, tuple(parts))
            parts = []
        alone = True
        yield Place(place, _answered(part, f"{place}.functionResponse"))
    if parts or not alone:
        yield Place(path, tuple(parts))


def _answered(part: dict[str, Json], path: str) -> tuple[str, ...]:
    """Of a result's parts: its words, and what comes with them."""
    if "functionResponse" not in part:
        return ()
    result = camel(part["functionResponse"])
    words = [f"{path}.response"] if response_parts(result.get("response"), path)[0] else []
    given = result.get("parts")
    more = given if isinstance(given, list) else []
    return (*words, *(f"{path}.parts[{k}]" for k, one in enumerate(more) if isinstance(one, dict)))
