"""Enums of a Gemini client's request, by name or by number: JSON made from protocol buffers may have either.

Numbers are those of Google's API definition (google.ai.generativelanguage.v1beta). Only those that mean the same on
every platform of Google's are read; where they do not, the name must be said.
"""

from translators.gemini.reading import wrong
from translators.ir import Json

MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
NUMBERED_MODES = 4
MODALITIES = ("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO")
TYPES = ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
LEVELS = ("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")


def named(value: Json, names: tuple[str, ...], path: str, numbered: int | None = None) -> str:
    """The name, in the spelling of `names`, of which the first `numbered` have their place for a number (all, if None).
    Raises Malformed for another name or number."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names[:numbered]):
        return names[value]
    return only_named(value, names, path)


def only_named(value: Json, names: tuple[str, ...], path: str) -> str:
    """The same without numbers."""
    found = {name.lower(): name for name in names}.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise wrong(path, f"one of the names {', '.join(names[1:])}")
    return found
