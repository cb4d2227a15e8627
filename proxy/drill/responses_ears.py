"""What a scripted provider of OpenAI's Responses takes (OpenAI API reference, Responses).

Its checks are those a real server makes and a translator can fail: unknown fields, bounds, roles and the parts that go
with them, ids of the right kind, results that answer a call, strict schemas. Encrypted reasoning it reads only if it
made it itself (`sealed`); an item without it is looked up by its id, and so is an earlier answer: what was given here
bears the provider's name (`resp_NAME_...`), and was kept unless `store` was false (`rs_NAME_loose_...`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy.drill.checks import names, unknown
from proxy.drill.speech import Question, Tool

Json = Mapping[str, Any]

_BODY = names(
    "background context_management conversation include input instructions max_output_tokens max_tool_calls metadata"
    " model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options"
    " prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text"
    " tool_choice tools top_logprobs top_p truncation user"
)
_MESSAGE = names("type role content status id phase")
_ITEMS = {
    "message": _MESSAGE,
    "function_call": names("type id call_id name arguments status namespace caller"),
    "function_call_output": names("type id call_id name output status namespace caller"),
    "custom_tool_call": names("type id call_id name input status namespace caller"),
    "custom_tool_call_output": names("type id call_id name output status namespace caller"),
    "reasoning": names("type id summary content encrypted_content status"),
    "item_reference": frozenset(("type", "id")),
}
_ID_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "reasoning": "rs",
}
_PARTS = {
    "input_text": names("type text prompt_cache_breakpoint"),
    "input_image": names("type image_url file_id detail prompt_cache_breakpoint"),
    "input_file": names("type file_data file_id file_url filename detail prompt_cache_breakpoint"),
    "output_text": names("type text annotations logprobs"),
    "refusal": names("type refusal"),
}
_TOOLS = {
    "function": names("type name description parameters strict defer_loading output_schema allowed_callers"),
    "custom": names("type name description format defer_loading allowed_callers"),
}
_FORM = names("type name description schema strict")
_INSIDE = {
    "reasoning": names("effort summary generate_summary mode context"),
    "text": frozenset(("format", "verbosity")),
    "stream_options": frozenset(("include_obfuscation",)),
}
_CALLS = ("function_call", "custom_tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output")
_SAID_BY_MODEL = ("output_text", "refusal")
LEAST_OUTPUT = 16
_LONGEST_CALL_ID = 64


def hear(body: Json, _version: str, provider: str, key: str) -> Question | str:
    """The question, or what a real server would refuse about it. Raises KeyError, TypeError, ValueError or
    AttributeError on a body whose shape is no request at all."""
    items = _items(body.get("input"))
    if problem := next(_problems(body, items, provider), None):
        return problem
    texts = [_text(item["content"]) for item in items if item.get("role") == "user"]
    parts = [part for item in items if isinstance(item.get("content"), list) for part in item["content"]]
    choice = body.get("tool_choice") or "auto"
    form = (body.get("text") or {}).get("format") or {}
    heard = (body.get("instructions") or "") + "".join(_text(item.get("content") or "") for item in items)
    loose = "loose_" if body.get("store") is False else ""
    return Question(
        key=f"{provider}_{loose}{key}",
        provider=provider,
        model=body["model"],
        stream=body.get("stream") is True,
        text=texts[-1] if texts else "",
        heard=len(heard.encode()),
        images=tuple(_media_type(part["image_url"]) for part in parts if part.get("type") == "input_image"),
        tool_results=_trailing_results(items),
        steps=_steps(items),
        tools=_tools(body, choice),
        forced=choice == "required" or isinstance(choice, dict),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(form),
        reasoning=_reasoning(body.get("reasoning") or {}),
        sealed="reasoning.encrypted_content" in (body.get("include") or ()),
        max_tokens=body.get("max_output_tokens"),
    )


def sealed(provider: str) -> str:
    """What this provider's reasoning is as text that it alone reads."""
    return f"enc-{provider}"


def _items(given: Any) -> Sequence[Json]:
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    items: Sequence[Json] = given or []
    return items


# -- checks ---------------------------------------------------------------------------------------------------------


def _problems(body: Json, items: Sequence[Json], provider: str) -> Iterator[str]:
    yield from _field_problems(body)
    earlier = body.get("previous_response_id")
    if earlier is not None and not _kept(earlier, "resp", provider):
        yield f"Previous response with id '{earlier}' not found."
    if not items and earlier is None:
        yield "One of 'input' or 'previous_response_id' must be provided."
    for at, item in enumerate(items):
        yield from _item_problems(item, f"input[{at}]")
    yield from _tool_problems(body)
    yield from _history_problems(items, provider, goes_on=earlier is not None)


def _kept(id_: str, prefix: str, provider: str) -> bool:
    return id_.startswith(f"{prefix}_{provider}_") and not id_.startswith(f"{prefix}_{provider}_loose_")


def _unknown(given: Json, known: frozenset[str], at: str) -> Iterator[str]:
    for name in unknown(given, known):
        yield f"Unknown parameter: '{at}{name}'."


def _field_problems(body: Json) -> Iterator[str]:
    if not isinstance(body.get("model"), str):
        yield "you must provide a model parameter"
    yield from _unknown(body, _BODY, "")
    for name, known in _INSIDE.items():
        yield from _unknown(body.get(name) or {}, known, f"{name}.")
    if body.get("stream_options") and not body.get("stream"):
        yield "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    most = body.get("max_output_tokens")
    if most is not None and most < LEAST_OUTPUT:
        yield (
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >="
            f" {LEAST_OUTPUT}, but got {most} instead."
        )
    form = (body.get("text") or {}).get("format") or {}
    yield from _unknown(form, _FORM, "text.format.")
    if form.get("type") == "json_schema":
        if not form.get("name"):
            yield "Missing required parameter: 'text.format.name'."
        if form.get("strict"):
            yield from _strict_problems(form["schema"], "response_format")


def _item_problems(item: Json, at: str) -> Iterator[str]:
    kind = item.get("type", "message")
    if kind not in _ITEMS:
        yield f"Invalid value: '{kind}'. Supported values are: {', '.join(_ITEMS)}."
    yield from _unknown(item, _ITEMS[kind], f"{at}.")
    prefix = _ID_PREFIXES.get(kind)
    if prefix and item.get("id") is not None and not item["id"].startswith(prefix):
        yield f"Invalid '{at}.id': '{item['id']}'. Expected an ID that begins with '{prefix}'."
    if kind == "message":
        yield from _message_problems(item, at)
    if kind in (*_CALLS, *_RESULTS) and not 0 < len(item["call_id"]) <= _LONGEST_CALL_ID:
        yield f"Invalid '{at}.call_id': expected a string with maximum length {_LONGEST_CALL_ID}."
    if kind == "function_call" and not isinstance(item["arguments"], str):
        yield f"Invalid type for '{at}.arguments': expected a string."
    if kind in _RESULTS and not isinstance(item["output"], str):
        yield from _part_problems(item["output"], f"{at}.output", by_model=False)
    if kind == "reasoning" and not isinstance(item["summary"], list):
        yield f"Invalid type for '{at}.summary': expected an array of objects."


def _message_problems(item: Json, at: str) -> Iterator[str]:
    if item.get("role") not in ("user", "assistant", "system", "developer"):
        yield f"Invalid value: '{item.get('role')}'. Supported values are: 'assistant', 'system', 'developer', 'user'."
    if isinstance(item["content"], list):
        yield from _part_problems(item["content"], f"{at}.content", by_model=item["role"] == "assistant")
    elif not isinstance(item["content"], str):
        yield f"Invalid type for '{at}.content': expected one of an array of objects or string."


def _part_problems(parts: Sequence[Json], at: str, *, by_model: bool) -> Iterator[str]:
    for index, part in enumerate(parts):
        kind = part["type"]
        if kind not in _PARTS or (kind in _SAID_BY_MODEL) is not by_model:
            yield f"Invalid value: '{kind}' at '{at}[{index}].type'."
        yield from _unknown(part, _PARTS[kind], f"{at}[{index}].")


def _tool_problems(body: Json) -> Iterator[str]:
    declared: list[str] = []
    for at, tool in enumerate(body.get("tools") or ()):
        known = _TOOLS.get(tool["type"])
        if known is None:
            continue
        yield from _unknown(tool, known, f"tools[{at}].")
        if tool["name"] in declared:
            yield f"Duplicate tool name: '{tool['name']}'."
        declared.append(tool["name"])
        if tool.get("strict"):
            yield from _strict_problems(tool["parameters"], f"function '{tool['name']}'")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] in _TOOLS and choice["name"] not in declared:
        yield f"Tool choice '{choice['name']}' not found in 'tools' parameter."


def _strict_problems(schema: Json, at: str) -> Iterator[str]:
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            yield f"Invalid schema for {at}: 'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("properties", ())) != set(schema.get("required", ())):
            yield f"Invalid schema for {at}: 'required' must include every key in properties."
    for part in (*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), schema.get("items")):
        if isinstance(part, Mapping):
            yield from _strict_problems(part, at)


def _history_problems(items: Sequence[Json], provider: str, *, goes_on: bool) -> Iterator[str]:
    called = {item["call_id"] for item in items if item.get("type") in _CALLS}
    answered = {item["call_id"] for item in items if item.get("type") in _RESULTS}
    if lacking := called - answered:
        yield f"No tool output found for function call {min(lacking)}."
    if not goes_on and (orphans := answered - called):
        yield f"No tool call found for function call output with call_id {min(orphans)}."
    for item in items:
        if item.get("type") == "reasoning":
            yield from _reasoning_problems(item, provider)
        if item.get("type") == "item_reference" and not _kept(item["id"], item["id"].split("_")[0], provider):
            yield f"Item with id '{item['id']}' not found."


def _reasoning_problems(item: Json, provider: str) -> Iterator[str]:
    blob = item.get("encrypted_content")
    if blob is None and not _kept(item["id"], "rs", provider):
        yield (
            f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to false. Try again"
            " with `store` set to true, or remove this item from your input."
        )
    elif blob is not None and blob != sealed(provider):
        yield "The encrypted content could not be verified."


# -- what is asked ----------------------------------------------------------------------------------------------------


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part.get("type") in ("input_text", "output_text"))


def _media_type(url: str) -> str:
    return url[5:].split(";", 1)[0] if url.startswith("data:") else "url"


def _trailing_results(items: Sequence[Json]) -> int:
    results = 0
    for item in reversed(items):
        if item.get("type") not in _RESULTS:
            break
        results += 1
    return results


def _steps(items: Sequence[Json]) -> int:
    asked = max((at for at, item in enumerate(items) if item.get("role") == "user"), default=0)
    return sum(item.get("type") in _RESULTS for item in items[asked:])


def _tools(body: Json, choice: Any) -> tuple[Tool, ...]:
    if choice == "none":
        return ()
    told = [one for one in body.get("tools") or () if one["type"] in _TOOLS]
    tools = [Tool(one["name"], one.get("parameters") or {}, custom=one["type"] == "custom") for one in told]
    if isinstance(choice, dict):
        allowed = choice["tools"] if choice["type"] == "allowed_tools" else [choice]
        wanted = {one["name"] for one in allowed}
        tools = [tool for tool in tools if tool.name in wanted]
    return tuple(tools)


def _schema(form: Json) -> Json | None:
    if form.get("type") == "json_schema":
        schema: Json = form["schema"]
        return schema
    return {} if form.get("type") == "json_object" else None


def _reasoning(asked: Json) -> Any:
    if asked.get("summary"):
        return "shown"
    return "no" if asked.get("effort") in (None, "none") else "hidden"
