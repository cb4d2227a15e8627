"""Which fields inside an Anthropic client's request nobody reads: tomorrow's, and those that speak of an answer given.

Runs on a body that was read without complaint, so its shapes are known. Blocks that have no neutral word are kept whole
elsewhere, and so are the odd fields of a tool.
"""

from translators.ir import Json
from translators.report import unread

_MESSAGE = frozenset({"role", "content"})
_BLOCKS = {
    "text": frozenset({"type", "text", "cache_control"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "document": frozenset({"type", "source", "title", "context", "citations", "cache_control"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}
_METADATA = frozenset({"user_id"})
_CHOICE = frozenset({"type", "name", "disable_parallel_tool_use"})
_CONFIG = frozenset({"type", "schema"})


def fields_unread(body: dict[str, Json]) -> dict[str, Json]:
    """By path; the values say nothing."""
    found: dict[str, Json] = {}
    _blocks(body.get("system"), "system", found)
    for i, message in enumerate(body["messages"]):
        unread(message, _MESSAGE, f"messages.{i}", found)
        _blocks(message["content"], f"messages.{i}.content", found)
    for name, known in (("metadata", _METADATA), ("tool_choice", _CHOICE)):
        if isinstance(body.get(name), dict):
            unread(body[name], known, name, found)
    config = body.get("output_config")
    if isinstance(config, dict) and isinstance(config.get("format"), dict):
        unread(config["format"], _CONFIG, "output_config.format", found)
    return found


def _blocks(content: Json, path: str, found: dict[str, Json]) -> None:
    for j, block in enumerate(content if isinstance(content, list) else ()):
        known = _BLOCKS.get(block["type"])
        if known is not None:
            unread(block, known, f"{path}.{j}", found)
            if block["type"] == "tool_result":
                _blocks(block.get("content"), f"{path}.{j}.content", found)
