"""Which fields inside a Gemini client's request nobody reads: tomorrow's, and those that speak of an answer given.

Runs on a body that was read without complaint, so its shapes are known. Parts that have no neutral word are kept whole
elsewhere, as are other members of `generationConfig` and `toolConfig`. A client's own notes (`partMetadata`) and ids of
files are nothing to a model.
"""

from translators.gemini.wire import camel
from translators.ir import Json
from translators.report import unread

_CONTENT = frozenset({"role", "parts"})
_CALL = frozenset({"id", "name", "args"})
_RESULT = frozenset({"id", "name", "response", "parts"})
_BLOB = frozenset({"mimeType", "data", "displayName"})
_FILE = frozenset({"mimeType", "fileUri", "displayName"})
_HOLDERS = {"functionCall": _CALL, "functionResponse": _RESULT, "inlineData": _BLOB, "fileData": _FILE}
_PART = frozenset({"thought", "thoughtSignature", "partMetadata"})
_THINKING = frozenset({"thinkingBudget", "thinkingLevel", "includeThoughts"})
_CALLING = frozenset({"mode", "allowedFunctionNames"})


def fields_unread(body: dict[str, Json]) -> dict[str, Json]:
    """By path; the values say nothing. `body` has its own names in camel case."""
    found: dict[str, Json] = {}
    for i, content in enumerate(body["contents"]):
        _content(camel(content), f"contents[{i}]", found)
    for path, known in (
        ("generationConfig.thinkingConfig", _THINKING),
        ("toolConfig.functionCallingConfig", _CALLING),
    ):
        first, second = path.split(".")
        holder = camel(body.get(first) or {}).get(second)
        unread(camel(holder or {}), known, path, found)
    return found


def _content(content: dict[str, Json], path: str, found: dict[str, Json]) -> None:
    unread(content, _CONTENT, path, found)
    parts = content.get("parts") or ()
    for j, given in enumerate([parts] if isinstance(parts, dict) else parts):
        part = camel(given)
        for name, known in _HOLDERS.items():
            if isinstance(part.get(name), dict):
                unread(camel(part[name]), known, f"{path}.parts[{j}].{name}", found)
                if name.startswith("function"):
                    unread(part, _PART | {name}, f"{path}.parts[{j}]", found)
