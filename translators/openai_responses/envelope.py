"""The envelope of a Responses request, and what ties a request to one provider.

Model, input, and the fields this proxy itself works with (stream, the output bound). Items, tools and everything newer
than this code pass unchecked.
"""

from collections.abc import Mapping

from msgspec import Struct

from translators.codec import Envelope
from translators.ir import MODEL_CAP, Json
from translators.openai.check import Wrong, boolean, fail, filled, integer, kind

ITEMS_CAP = 16_384
"""A turn of an agent is several items."""
STORED = ("previous_response_id", "conversation", "prompt")
"""Fields that name what is stored at one provider."""


class Pin(Struct, frozen=True):
    """What ties a request to the provider that keeps it."""

    field: str
    """Path of the field."""
    id: str
    """What it names there; empty for `background`, whose answer is yet to be kept."""


def pinned_by(body: Mapping[str, Json]) -> Pin | None:
    """The first thing that only one provider can know: an earlier answer, a conversation, a stored prompt, an item by
    its id, or an answer that is to be fetched later. None where any provider can answer."""
    for name in STORED:
        value = body.get(name)
        if value:
            named = value.get("id") if isinstance(value, dict) else value
            return Pin(name, named if isinstance(named, str) else "")
    items = body.get("input")
    for i, item in enumerate(items if isinstance(items, list) else ()):
        if is_reference(item):
            named = item.get("id")
            return Pin(f"input[{i}].id", named if isinstance(named, str) else "")
    return Pin("background", "") if body.get("background") is True else None


def is_reference(item: Json) -> bool:
    """Whether an item is only the id of one that is stored: its type may be left out."""
    if not isinstance(item, dict):
        return False
    kind_ = item.get("type")
    return kind_ == "item_reference" or (kind_ is None and "role" not in item and "id" in item)


def check_envelope(body: Json) -> Envelope:
    """Raises Malformed, naming the field."""
    try:
        return _checked(body)
    except Wrong as wrong:
        raise wrong.malformed() from None


def _checked(body: Json) -> Envelope:
    if not isinstance(body, dict):
        raise Wrong("", f"must be a JSON object, and it is {kind(body)}")
    get = body.get
    if get("model") is None:
        fail("model", "is missing", "missing_required_parameter")
    model = filled(body["model"], "model")
    if len(model) > MODEL_CAP:
        fail("model", f"is longer than {MODEL_CAP} characters", "string_above_max_length")
    _input(body)
    stream = get("stream")
    if get("max_output_tokens") is not None:
        integer(body["max_output_tokens"], "max_output_tokens", 1)
    reasoning = get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    streams = stream is not None and boolean(stream, "stream")
    return Envelope(model, streams, include_usage=True, thinks=None if effort is None else effort != "none")


def _input(body: dict[str, Json]) -> None:
    value = body.get("input")
    if value is None or value == []:
        if any(body.get(name) for name in STORED):
            return
        fail("input", "is missing" if value is None else "must not be empty", "missing_required_parameter")
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        fail("input", f"must be a string or an array of items, and it is {kind(value)}", "invalid_type")
    if len(value) > ITEMS_CAP:
        fail("input", f"holds more than {ITEMS_CAP} items", "array_above_max_length")
    for i, item in enumerate(value):
        if not isinstance(item, dict):
            fail(f"input[{i}]", f"must be an object, and it is {kind(item)}", "invalid_type")
