"""Changes to an input that a mutation of bytes would rarely find: JSON stays JSON, a stream a run of events.

Some document inside the input (the whole of it, or a `data:` line) is read and one of its values replaced, left out,
doubled or moved; or two lines change places. What there is to put in are the names and values of the corpus.
"""

import json
import random  # noqa: TID251 - the fuzzer's own chance, by its seed
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**63,
        -(2**63),
        2**64,
        1e308,
        0.5,
        1e-9,
        "",
        " ",
        "\x00",
        "\ud800",
        "ä😀",
        "null",
        "1",
    ),
    *([], {}, [[]], [None], [{}], {"": ""}, "x" * 300, "data: x\n\nevent: y", "\r\n", "[DONE]"),
)
MOST_NODES = 500


class Vocabulary:
    """Names and values met in the corpus."""

    def __init__(self, inputs: Iterator[bytes]) -> None:
        self.names: list[str] = ["index"]
        self.values: list[Any] = list(ODD)
        for data in inputs:
            for _, _, document in _documents(data):
                for holder, key in _places(document):
                    if isinstance(key, str):
                        self.names.append(key)
                    if len(json.dumps(holder[key])) < 400:
                        self.values.append(holder[key])


def mutated(data: bytes, most: int, seed: int, words: Vocabulary, plain: Callable[[bytes, int], bytes]) -> bytes:
    """A neighbour of `data`, of at most `most` bytes; `plain` changes bytes as bytes."""
    chance = random.Random(seed)
    documents = list(_documents(data))
    kind = chance.randrange(8)
    if kind < 2 or (not documents and b"\n" not in data):
        return plain(data, most)
    if kind == 2 or not documents:
        return _shuffled(data, chance)[:most]
    start, end, document = chance.choice(documents)
    for _ in range(chance.randrange(1, 4)):
        document = _changed(document, words, chance)
    try:
        told = json.dumps(document, ensure_ascii=chance.random() < 0.5, separators=(",", ":"))
        new = data[:start] + told.encode() + data[end:]
    except (UnicodeEncodeError, RecursionError, ValueError):
        return plain(data, most)
    return new if len(new) <= most else plain(data, most)


def _documents(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Where JSON objects stand in the input: from, to, and what they say."""
    at = 0
    for line in (
        [data] if data.lstrip()[:1] in (b"{", b"[") and b"\ndata" not in data else data.splitlines(keepends=True)
    ):
        opening = line.find(b"{")
        if opening >= 0:
            body = line[opening:].rstrip(b"\r\n")
            with suppress(ValueError, RecursionError):
                yield at + opening, at + opening + len(body), json.loads(body)
        at += len(line)


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every value inside, as its holder and its key there."""
    found: list[tuple[Any, Any]] = []
    holders = [document]
    while holders and len(found) < MOST_NODES:
        holder = holders.pop()
        keys: Any = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            found.append((holder, key))
            holders.append(holder[key])
    return found


def _changed(document: Any, words: Vocabulary, chance: random.Random) -> Any:
    places = _places(document)
    if not places:
        return json.loads(json.dumps(chance.choice(words.values)))
    holder, key = chance.choice(places)
    value = json.loads(json.dumps(chance.choice(words.values)))
    kind = chance.randrange(7)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[chance.choice(words.names)] = value
    elif kind == 2 and isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(holder[key])))
    elif kind == 3:
        other, name = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[name]))
    elif kind == 4:
        holder[key] = [holder[key]]
    else:
        holder[key] = value
    return document


def _shuffled(data: bytes, chance: random.Random) -> bytes:
    """Lines, or events, that are left out, doubled or exchanged."""
    between = b"\n\n" if b"\n\n" in data else b"\n"
    parts = data.split(between)
    one, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    kind = chance.randrange(3)
    if kind == 0:
        parts.insert(one, parts[other])
    elif kind == 1:
        parts[one], parts[other] = parts[other], parts[one]
    else:
        del parts[one]
    return between.join(parts)
