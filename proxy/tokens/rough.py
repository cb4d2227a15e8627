"""Roughly how many input tokens a request has, in microseconds: for comparing, never for charging.

Texts are told by their length, four characters to a token in English and three bytes in other scripts, and tools by
their JSON. Pictures, sound and files count as nothing: they weigh the same whoever is asked.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from proxy.tokens.least import TALK, WORDS

CHARACTERS: Final = 4
"""To a token of text in ASCII."""
BYTES: Final = 3
"""To a token of any other."""
_TALK: Final = frozenset(TALK)


def roughly(body: Mapping[str, Any]) -> int:
    """Of a request in any dialect; for embeddings, tokens that are given as numbers count as they are."""
    found = 0
    for name, said in body.items():
        if name in _TALK:
            found += _said(said)
    if tools := body.get("tools"):
        found += len(orjson.dumps(tools)) // CHARACTERS
    return found + _numbers(body.get("input"))


def _said(value: Any) -> int:
    """Of a text, or of all texts within messages and parts."""
    if isinstance(value, str):
        if value.isascii():
            return len(value) // CHARACTERS
        return len(value.encode("utf-8", "surrogatepass")) // BYTES
    found = 0
    if isinstance(value, list):
        for one in value:
            found += _said(one)
    elif isinstance(value, dict):
        for name in WORDS:
            if name in value:
                found += _said(value[name])
    return found


def _numbers(value: Any) -> int:
    if not isinstance(value, list) or not value:
        return 0
    if isinstance(value[0], int):
        return len(value)
    return sum(_numbers(one) for one in value) if isinstance(value[0], list) else 0
