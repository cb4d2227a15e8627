"""How many tokens an input can be at most, and exactly where the vocabulary is at hand.

The bound is true rather than close: a token is never less than a byte of text, and what is not text (an image, the
frame of a message) costs at most the constants below. What is settled in the end is the provider's own count.

The exact count is tiktoken's. It downloads vocabularies when they are missing, with no time limit, so it is only asked
when the right file already lies in TIKTOKEN_CACHE_DIR; loading one costs 0.2 s and 80 MB, so never on a request's way.
"""

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    import tiktoken

PER_REQUEST: Final = 16
"""What frames a conversation, and primes the answer."""
PER_MESSAGE: Final = 16
"""Role, name and separators of one message, part or embedding input."""
PER_TOOLS: Final = 1024
"""The instructions a vendor adds once when there are tools."""
PER_IMAGE: Final = 50_000
"""The dearest image: eight tiles where a tile costs 5,667 tokens, and its base."""
UNSEEN: Final = 1 << 40
"""For inputs whose size is not in the request (a file, earlier audio, search results): no window is as large."""

_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_VOCABULARIES: Final[Mapping[str, tuple[str, str]]] = {
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}
"""Encoding -> the file's name in tiktoken's cache, and the SHA-256 of its content."""

_NOT_INPUT = frozenset({"model", "stream", "stream_options", "metadata", "user", "messages", "input"})


def bound(body: Mapping[str, Any]) -> int:
    """At most this many input tokens, for a chat or embeddings request of the OpenAI form; never fewer than are billed.

    UNSEEN or more when part of the input is not in the request. Malformed parts count by their bytes.
    """
    total = PER_REQUEST + sum(_size(value) for name, value in body.items() if name not in _NOT_INPUT)
    if body.get("tools") or body.get("functions"):
        total += PER_TOOLS
    if body.get("web_search_options") is not None:
        total += UNSEEN
    messages = body.get("messages")
    if isinstance(messages, list):
        total += sum(_message(message) for message in messages)
    return total + _embedded(body.get("input"))


def _size(value: Any) -> int:
    """The bytes of a value written as JSON, which is never shorter than its text."""
    return len(orjson.dumps(value))


def _message(message: Any) -> int:
    if not isinstance(message, dict):
        return PER_MESSAGE + _size(message)
    content = message.get("content")
    if isinstance(content, str):
        inside = len(content.encode())
    elif isinstance(content, list):
        inside = sum(_part(part) for part in content)
    else:
        inside = _size(content)
    if message.get("audio") is not None:
        inside += UNSEEN
    return PER_MESSAGE + inside + sum(_size(value) for name, value in message.items() if name != "content")


def _part(part: Any) -> int:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "image_url":
        return PER_MESSAGE + PER_IMAGE
    if kind == "file":
        return UNSEEN
    return PER_MESSAGE + _size(part)


def _embedded(value: Any) -> int:
    """Input of an embeddings request: text, texts, tokens, or lists of tokens."""
    if value is None:
        return 0
    if isinstance(value, str):
        return PER_MESSAGE + len(value.encode())
    if isinstance(value, list) and not all(isinstance(item, int) for item in value):
        return sum(PER_MESSAGE + (len(item) if isinstance(item, list) else _size(item)) for item in value)
    return PER_MESSAGE + (len(value) if isinstance(value, list) else _size(value))


def exact(text: str, model: str) -> int | None:
    """How many tokens `text` is for `model`; None where the vocabulary is not known or not at hand. Never downloads."""
    encoding = _encoding(model, os.environ.get(_CACHE_VARIABLE, ""))
    return None if encoding is None else len(encoding.encode_ordinary(text))


@lru_cache(maxsize=16)
def _encoding(model: str, folder: str) -> "tiktoken.Encoding | None":
    if not folder:
        return None
    import tiktoken  # noqa: PLC0415 - costs time and memory, and most never need it

    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    return tiktoken.get_encoding(name) if _at_hand(name, folder) else None


def _at_hand(name: str, folder: str) -> bool:
    """Whether tiktoken will find the vocabulary whole: it discards a damaged one and downloads it anew."""
    if name not in _VOCABULARIES:
        return False
    file, digest = _VOCABULARIES[name]
    try:
        content = (Path(folder) / file).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == digest
