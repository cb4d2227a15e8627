"""How many tokens a text is, exactly, where the vocabulary is at hand.

The count is tiktoken's. It downloads vocabularies when they are missing, with no time limit, so it is only asked when
the right file already lies in TIKTOKEN_CACHE_DIR; loading one costs 0.2 s and 80 MB, so never on a request's way.
"""

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tiktoken

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


def load(name: str) -> "tiktoken.Encoding | None":
    """The encoding called so, None where its vocabulary is not at hand. Takes a while: not for the loop's thread."""
    folder = os.environ.get(_CACHE_VARIABLE, "")
    if not folder or not _at_hand(name, folder):
        return None
    import tiktoken  # noqa: PLC0415 - costs time and memory, and most never need it

    return tiktoken.get_encoding(name)


def name_for(model: str) -> str | None:
    """The encoding of a model; None where no vocabulary is public. Imports the library: for when one is loaded."""
    import tiktoken  # noqa: PLC0415 - as above

    try:
        return tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None


def exact(text: str, model: str) -> int | None:
    """How many tokens `text` is for `model`; None where the vocabulary is not known or not at hand. Never downloads."""
    encoding = _encoding(model, os.environ.get(_CACHE_VARIABLE, ""))
    return None if encoding is None else len(encoding.encode_ordinary(text))


@lru_cache(maxsize=16)
def _encoding(model: str, folder: str) -> "tiktoken.Encoding | None":
    name = name_for(model) if folder else None
    return None if name is None else load(name)


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
