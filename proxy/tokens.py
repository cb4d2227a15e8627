"""How many tokens an input can be at most, about how many it is, and exactly where the vocabulary is at hand.

The bound is true rather than close: a token is never less than a byte of text, and what is not text (an image, the
frame of a message) costs at most the constants below. What is settled in the end is the provider's own count.

The exact count is tiktoken's. It downloads vocabularies when they are missing, with no time limit, so it is only asked
when the right file already lies in TIKTOKEN_CACHE_DIR; loading one costs 0.2 s and 80 MB, so never on a request's way.
"""

import hashlib
import os
import string
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from translators.ir import Audio, File, Image, Message, Part, Reasoning, Refusal, Request, Text, ToolCall, ToolResult

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

BYTES_PER_TOKEN: Final = 3
"""Of an estimate: most texts have more bytes to a token, so that it is rather too high than too low."""
FRAME: Final = 4
"""Of an estimate: what a message or a tool costs beside its words."""
AN_IMAGE: Final = 1600
"""Of an estimate: a picture of usual size."""
FILE_BYTES_PER_TOKEN: Final = 40
"""Of an estimate: base64 of a document to a token of what is read out of it."""

LOOKED_AT: Final = 4 * 1024 * 1024
"""Characters whose words are counted for the least size: enough for most windows, and some 10 ms of work."""
_KINDS = bytes(
    ord("a") if chr(code) in string.ascii_letters + string.digits else ord(" ") if chr(code) in " \t\r\n" else ord("-")
    for code in range(256)
)
"""A byte's kind: of a word, a blank, or neither."""
_TALK = ("messages", "input", "contents", "system", "instructions", "system_instruction", "systemInstruction", "prompt")
"""Where a request of any dialect holds what is said."""
_WORDS = ("content", "parts", "text", "output", "arguments")
"""Where a part of it holds words that the model is certain to be given; earlier thinking is not."""
_SHORTENED = ("context_management", "transforms", "plugins")
"""Fields by which a provider is asked to shorten the input itself."""

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
    if kind in ("image_url", "image", "input_image"):
        return PER_MESSAGE + PER_IMAGE
    if kind in ("file", "document", "input_file"):
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


def at_least(body: Mapping[str, Any]) -> int:
    """At least this many input tokens, for a conversation of any dialect; 0 where the provider may shorten it.

    Words that end before a blank, each one token or more: no vocabulary in use has tokens that reach over a blank from
    word to word. Usual text has a third more tokens than that, and what is no word (images, tools) is not counted.
    """
    if body.get("truncation") == "auto" or any(body.get(name) for name in _SHORTENED):
        return 0
    words, left = 0, LOOKED_AT
    for name in _TALK:
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
        for name in _WORDS:
            if name in value:
                yield from _texts(value[name])


def estimate(request: Request) -> int:
    """About how many input tokens a conversation is, rather too many than too few. What is not in the request, such as
    a file given by its id, counts as nothing."""
    words = 0
    total = FRAME
    for item in request.items:
        total += FRAME
        if isinstance(item, ToolCall):
            words += len(item.name) + len(item.arguments.encode())
        elif isinstance(item, Reasoning):
            words += len(item.text.encode())
        elif isinstance(item, Message | ToolResult):
            for part in item.parts:
                size, tokens = _weighed(part)
                words += size
                total += tokens
    for tool in request.tools:
        total += FRAME
        words += len(tool.name) + len((tool.description or "").encode()) + _size(tool.parameters)
    if request.output is not None and request.output.schema is not None:
        words += _size(request.output.schema)
    words += sum(_size(value) for value in request.extra.values())
    return total + -(-words // BYTES_PER_TOKEN)


def _weighed(part: Part) -> tuple[int, int]:
    """Bytes of text, and tokens of what is none."""
    match part:
        case Text() | Refusal():
            return len(part.text.encode()), 0
        case Image():
            return 0, AN_IMAGE
        case File() | Audio():
            return 0, len(part.data or "") // FILE_BYTES_PER_TOKEN
        case _:
            return _size(part.value), 0


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


def missing_vocabularies() -> tuple[str, list[str]]:
    """The folder where vocabularies are looked for, empty where none is set, and those that it lacks whole."""
    folder = os.environ.get(_CACHE_VARIABLE, "")
    return folder, [name for name in _VOCABULARIES if not _at_hand(name, folder)] if folder else []


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
