"""How many input tokens a conversation has at the least: what certainly does not fit need not be sent."""

import string
from collections.abc import Iterator, Mapping
from typing import Any, Final

LOOKED_AT: Final = 4 * 1024 * 1024
"""Characters whose words are counted for the least size: enough for most windows, and some 10 ms of work."""
_KINDS = bytes(
    ord("a") if chr(code) in string.ascii_letters + string.digits else ord(" ") if chr(code) in " \t\r\n" else ord("-")
    for code in range(256)
)
"""A byte's kind: of a word, a blank, or neither."""
TALK = ("messages", "input", "contents", "system", "instructions", "system_instruction", "systemInstruction", "prompt")
"""Where a request of any dialect holds what is said."""
WORDS = ("content", "parts", "text", "output", "arguments")
"""Where a part of it holds words that the model is certain to be given; earlier thinking is not."""
_SHORTENED = ("context_management", "transforms", "plugins")
"""Fields by which a provider is asked to shorten the input itself."""


def at_least(body: Mapping[str, Any]) -> int:
    """At least this many input tokens, for a conversation of any dialect; 0 where the provider may shorten it.

    Words that end before a blank, each one token or more: no vocabulary in use has tokens that reach over a blank from
    word to word. Usual text has a third more tokens than that, and what is no word (images, tools) is not counted.
    """
    if body.get("truncation") == "auto" or any(body.get(name) for name in _SHORTENED):
        return 0
    words, left = 0, LOOKED_AT
    for name in TALK:
        for text in _texts(body.get(name)):
            words += text[:left].encode("utf-8", "replace").translate(_KINDS).count(b"a ")
            left -= len(text)
            if left <= 0:
                return words
    return words


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict) and not value.get("thought"):
        for name in WORDS:
            if name in value:
                yield from _texts(value[name])
