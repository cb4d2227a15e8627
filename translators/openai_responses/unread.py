"""Which fields inside a Responses request nobody reads: tomorrow's, and those that speak of an answer given.

Runs on a body that was read without complaint, so its shapes are known. Items and parts of kinds that have no neutral
word are kept whole elsewhere. Ids and states of items, and how likely each word was, are records of an answer and tell
a model nothing.
"""

from translators.ir import Json
from translators.report import unread

_RECORD = ("type", "id", "status")
_MESSAGE = frozenset({*_RECORD, "role", "content", "phase"})
_RESULT = frozenset({*_RECORD, "call_id", "output"})
_ITEMS = {
    "message": _MESSAGE,
    "function_call": frozenset({*_RECORD, "call_id", "name", "arguments"}),
    "custom_tool_call": frozenset({*_RECORD, "call_id", "name", "input"}),
    "function_call_output": _RESULT,
    "custom_tool_call_output": _RESULT,
    "reasoning": frozenset({*_RECORD, "summary", "content", "encrypted_content"}),
}
_TEXT = frozenset({"type", "text", "logprobs", "prompt_cache_breakpoint"})
_PARTS = {
    "input_text": _TEXT,
    "output_text": _TEXT,
    "text": _TEXT,
    "input_image": frozenset({"type", "image_url", "detail", "prompt_cache_breakpoint"}),
    "input_file": frozenset({"type", "filename", "file_data", "file_id", "file_url", "prompt_cache_breakpoint"}),
    "input_audio": frozenset({"type", "input_audio"}),
    "refusal": frozenset({"type", "refusal"}),
}
_FORMAT = frozenset({"type", "name", "description", "schema", "strict"})
_CHOICES = {
    **dict.fromkeys(("function", "custom"), frozenset({"type", "name"})),
    "allowed_tools": frozenset({"type", "mode", "tools"}),
}
"""Of the caller's own tools; a choice of what the vendor runs is kept whole."""
_STREAM_OPTIONS = frozenset({"include_obfuscation"})


def fields_unread(body: dict[str, Json]) -> dict[str, Json]:
    """By path; the values say nothing."""
    found: dict[str, Json] = {}
    items = body["input"]
    for i, item in enumerate(items if isinstance(items, list) else ()):
        _item(item, f"input[{i}]", found)
    text, options = body.get("text"), body.get("stream_options")
    if isinstance(text, dict) and isinstance(text.get("format"), dict):
        unread(text["format"], _FORMAT, "text.format", found)
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in _CHOICES:
        unread(choice, _CHOICES[choice["type"]], "tool_choice", found)
    if isinstance(options, dict):
        unread(options, _STREAM_OPTIONS, "stream_options", found)
    return found


def _item(item: dict[str, Json], path: str, found: dict[str, Json]) -> None:
    known = _ITEMS.get(item.get("type", "message"))
    if known is None:
        return
    unread(item, known, path, found)
    for name in ("content", "output"):
        parts = item.get(name)
        if isinstance(parts, list) and name in known and item.get("type") != "reasoning":
            for j, part in enumerate(parts):
                _part(part, f"{path}.{name}[{j}]", found)


def _part(part: dict[str, Json], path: str, found: dict[str, Json]) -> None:
    known = _PARTS.get(part["type"])
    if known is not None and not (part["type"] == "input_image" and part.get("image_url") is None):
        unread(part, known, path, found)
