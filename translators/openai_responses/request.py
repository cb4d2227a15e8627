"""A Responses request in the neutral form.

Source: OpenAI's API reference, create a response. Null means absent everywhere. What only a provider knows (an earlier
answer, a conversation, a stored prompt, an answer to be fetched later) has no neutral form at all and is Malformed
here, so that the request is answered by that provider or the client told why not; `envelope.pinned_by` tells
beforehand. Other fields without a neutral word stay in `extra` under their wire names, and the target's renderer
reports them; those that only say what every other dialect does anyway (`store: false`, `truncation: disabled`) are left
out.
"""

from collections.abc import Callable
from typing import get_args

from translators.codec import Envelope
from translators.ir import Effort, Item, Json, Message, OutputFormat, Request, Text
from translators.openai.check import Wrong, array, boolean, fail, filled, integer, number, obj, string
from translators.openai_responses.envelope import check_envelope, pinned_by
from translators.openai_responses.history import History
from translators.openai_responses.tools import read_tools
from translators.openai_responses.unread import fields_unread

EFFORTS = frozenset(get_args(Effort))
LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"
SUMMARIES = frozenset({"auto", "concise", "detailed"})


def parse_request(body: Json, checked: Envelope | None = None) -> Request:
    """Raises Malformed with the field's path."""
    envelope = checked or check_envelope(body)
    try:
        _unpinned(body)
        fields, extra = _fields(body)
        return Request(
            model=envelope.model,
            items=(*_instructions(body), *_items(body["input"])),
            stream=envelope.stream,
            include_usage=True,
            max_output=body.get("max_output_tokens"),
            **fields,
            extra=extra | fields_unread(body),
        )
    except Wrong as wrong:
        raise wrong.malformed() from None


def _unpinned(body: dict[str, Json]) -> None:
    pin = pinned_by(body)
    if pin is not None:
        fail(pin.field, "is only known to the provider that keeps it, so no other one can answer", "unsupported_value")


def _instructions(body: dict[str, Json]) -> tuple[Item, ...]:
    """One role for all that instructs, as some vendors take no mixture."""
    value = body.get("instructions")
    if value is None or value == "":
        return ()
    items = body["input"] if isinstance(body["input"], list) else ()
    developer = any(item.get("role") == "developer" and "content" in item for item in items)
    return (Message("developer" if developer else "system", (Text(string(value, "instructions")),)),)


def _items(value: Json) -> tuple[Item, ...]:
    if isinstance(value, str):
        return (Message("user", (Text(value),)),)
    history = History()
    for i, item in enumerate(value):
        try:
            history.add(item)
        except Wrong as wrong:
            raise wrong.under(f"input[{i}]") from None
    return history.finish()


def _fields(body: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Arguments for Request by their names there, and what has none."""
    fields: dict[str, Json] = {}
    extra: dict[str, Json] = {}
    for name, value in body.items():
        if value is None or name in _ELSEWHERE or _DEFAULTS.get(name, ...) == value:
            continue
        read = _PLAIN.get(name)
        if read is not None:
            fields[name] = read(value, name)
        else:
            extra[name] = value
    _reasoning(body, fields, extra)
    _text(body, fields, extra)
    _include(body, fields, extra)
    read_tools(body, fields, extra)
    return fields, extra


def _metadata(value: Json, path: str) -> dict[str, str]:
    return {name: string(one, f"{path}.{name}") for name, one in obj(value, path).items()}


_PLAIN: dict[str, Callable[[Json, str], Json]] = {
    "temperature": number,
    "top_p": number,
    "parallel_tool_calls": boolean,
    "user": string,
    "safety_identifier": string,
    "service_tier": string,
    "metadata": _metadata,
}
"""Fields with the same name in Request, and how each is read."""
_ELSEWHERE = frozenset(
    {
        "model",
        "input",
        "instructions",
        "stream",
        "stream_options",
        "max_output_tokens",
        "tools",
        "tool_choice",
        "reasoning",
        "text",
        "include",
        "top_logprobs",
    }
)
"""Fields that are not read one by one; obfuscation pads OpenAI's own events, and other answers have none."""
_DEFAULTS: dict[str, Json] = {"store": False, "truncation": "disabled", "background": False}


def _reasoning(body: dict[str, Json], fields: dict[str, Json], extra: dict[str, Json]) -> None:
    if body.get("reasoning") is None:
        return
    rest = {name: value for name, value in obj(body["reasoning"], "reasoning").items() if value is not None}
    if "effort" in rest and string(rest["effort"], "reasoning.effort") in EFFORTS:
        fields["effort"] = rest.pop("effort")
    older = rest.pop("generate_summary", None)
    summary = rest.pop("summary", older)
    if summary is not None:
        if string(summary, "reasoning.summary") not in SUMMARIES:
            fail("reasoning.summary", f"must be one of {', '.join(sorted(SUMMARIES))}")
        fields["reasoning_summary"] = summary
    rest = {name: value for name, value in rest.items() if (name, value) not in _PLAIN_REASONING}
    if rest:
        extra["reasoning"] = rest


_PLAIN_REASONING = (("mode", "standard"), ("context", "auto"))


def _text(body: dict[str, Json], fields: dict[str, Json], extra: dict[str, Json]) -> None:
    if body.get("text") is None:
        return
    rest = {name: value for name, value in obj(body["text"], "text").items() if value is not None}
    form = rest.pop("format", None)
    if form is not None:
        fields["output"] = _format(obj(form, "text.format"))
    verbosity = rest.pop("verbosity", None)
    if verbosity is not None:
        fields["verbosity"] = string(verbosity, "text.verbosity")
    if rest:
        extra["text"] = rest


def _format(form: dict[str, Json]) -> OutputFormat:
    kind = string(form.get("type"), "text.format.type")
    if kind == "text":
        return OutputFormat("text")
    if kind == "json_object":
        return OutputFormat("json_object")
    if kind != "json_schema":
        fail("text.format.type", "must be text, json_object or json_schema")
    description, strict = form.get("description"), form.get("strict")
    return OutputFormat(
        "json_schema",
        schema=obj(form.get("schema"), "text.format.schema"),
        name=filled(form.get("name"), "text.format.name"),
        description=None if description is None else string(description, "text.format.description"),
        strict=None if strict is None else boolean(strict, "text.format.strict"),
    )


def _include(body: dict[str, Json], fields: dict[str, Json], extra: dict[str, Json]) -> None:
    """What the answer is to tell beside itself: probabilities have a word, blobs are always told."""
    asked = [] if body.get("include") is None else array(body["include"], "include")
    top = body.get("top_logprobs")
    if LOGPROBS in asked:
        fields["logprobs"] = True
        if top is not None:
            fields["top_logprobs"] = integer(top, "top_logprobs", 0)
    elif top:
        extra["top_logprobs"] = top
    for i, one in enumerate(asked):
        if one not in (LOGPROBS, ENCRYPTED):
            extra[f"include[{i}]"] = one
