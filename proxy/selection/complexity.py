"""How complex a request looks, from 0 to 1. Pure, and cheap enough for every request that leaves its model open.

Only what the body shows is looked at, in whichever dialect it is written; nothing is understood. Each part gives its
share up to a most, and the shares add up, at most to 1:

    length      up to 0.30   about how many tokens its texts have: half of it at 2,700, all at 32,768
    code        up to 0.20   a fenced block, or two signs of source code; half for one
    turns       up to 0.10   the user's turns after the first; all at 10
    tools       up to 0.15   all at 8
    schema      up to 0.10   how deep the schemas of tools and of the answer are nested; all at 5
    images      up to 0.10   pictures, documents and sound; all at 3
    reasoning   up to 0.70   the effort that is asked for: low 0.15, medium 0.35, high and above 0.70
    hint        -1 to 1      what the configuration says of the task

So whoever asks for high effort asks for a strong model, whatever else there is; a question of a line or two comes to
nearly nothing; and an agent with tools, code and a long history reaches the top without asking.

The time it takes is bounded: of a long conversation the last turns are read, of long texts the beginnings.
"""

from collections.abc import Mapping
from math import log2
from typing import Any, Final

from msgspec import Struct

from proxy.tokens.estimated import BYTES_PER_TOKEN

TURNS_READ: Final = 400
"""Of the end of a conversation: its score has long been as high as it gets."""
TEXT_READ: Final = 32_768
"""Characters that are searched for code."""
NODES_READ: Final = 32
"""Tools, and schemas of each level, that are looked into."""
_LENGTH, _TURNS, _TOOLS, _SCHEMA, _CODE, _IMAGES = 0.30, 0.10, 0.15, 0.10, 0.20, 0.10
_SHORT: Final = 256
"""Tokens from which on length begins to count."""
_SHORT_BYTES: Final = _SHORT * BYTES_PER_TOKEN
_PER_BIT: Final = _LENGTH / log2(1 + 32_768 / _SHORT)
_MANY_TURNS, _MANY_TOOLS, _DEEP, _MANY_IMAGES = 9, 8, 5, 3
_EFFORTS: Final[Mapping[str, float]] = {
    "low": 0.15,
    "medium": 0.35,
    "high": 0.70,
    "xhigh": 0.70,
    "max": 0.70,
}
_THINKING: Final = ((4096, "low"), (16_384, "medium"))
"""Tokens of thinking up to which it is so much effort; beyond: high."""
FENCE: Final = "```"
_SHOWN: Final = ("image_url", "input_image", "image", "file", "input_file", "document", "input_audio")


_ANSWERS: Final = (
    ("response_format", ("json_schema", "schema")),
    ("text", ("format", "schema")),
    ("output_config", ("format", "schema")),
)
"""Where each dialect has the schema of the answer."""
_CHOICES: Final = ("anyOf", "oneOf", "allOf", "$defs")
_NESTING: Final = frozenset(("items", *_CHOICES))
_PLAIN: Final = ("string", "number", "integer", "boolean", "null")
_BESIDE: Final = ("system", "instructions", "prompt")
"""Where each dialect has what is said beside the conversation."""
_REASONING: Final = frozenset(("reasoning_effort", "reasoning", "thinking", "output_config"))
"""Where each dialect has how much effort is asked for."""
_MORE: Final = _REASONING | {*_BESIDE, "tools", "functions", *(field for field, _ in _ANSWERS)}
"""Fields beside the conversation that are looked at; most requests have none of them."""


_PARTS: Final = ("length", "code", "turns", "tools", "schema", "images", "reasoning", "hint")
"""Of a score, in the order in which they are told and added."""


class Complexity(Struct, frozen=True):
    score: float
    """0 to 1, with two decimals: as it is told, so it decides."""
    parts: tuple[tuple[str, float], ...]
    """What each part gives to it; those that give nothing are left out."""


def complexity(body: Mapping[str, Any], hint: float = 0.0) -> Complexity:
    """Of a request's parsed body, in any dialect; `hint` is the task's."""
    parts = zip(_PARTS, _shares(body, hint), strict=False)
    return Complexity(score(body, hint), tuple([part for part in parts if part[1]]))


def score(body: Mapping[str, Any], hint: float = 0.0) -> float:
    """The same without what each part gives to it."""
    total = sum(_shares(body, hint))
    if 0.0 < total < 1.0:
        return (total * 100 + 0.5) // 1 / 100  # `round` to a place writes the number out and reads it again
    return float(total >= 1.0)


def _shares(body: Mapping[str, Any], hint: float) -> tuple[float, ...]:
    """What each of the `_PARTS` gives, the first two alone where no other does. On the way of every request that leaves
    its model open: a call of a function of ours here costs as much as looking at a message."""
    texts: list[str] = []
    turns = images = 0
    messages = body.get("messages") or body.get("input")
    if isinstance(messages, list):
        for message in messages if len(messages) <= TURNS_READ else messages[-TURNS_READ:]:
            if isinstance(message, dict):
                if isinstance(content := message.get("content"), str):
                    texts.append(content)
                else:
                    images += _content(content or message.get("output"), texts)
                if message.get("role") == "user":
                    turns += 1
    elif isinstance(messages, str):
        texts.append(messages)
    if _MORE.isdisjoint(body):
        if turns < 2 and texts and not images and not hint:
            return _read(texts)
        tools = schema = effort = 0.0
    else:
        images += _beside(body, texts)
        tools, schema = _build(body)
        effort = 0.0 if _REASONING.isdisjoint(body) else _EFFORTS.get(_effort(body), 0.0)
    return (
        *(_read(texts) if texts else (0.0, 0.0)),
        _TURNS * min(1.0, (turns - 1) / _MANY_TURNS) if turns > 1 else 0.0,
        tools,
        schema,
        _IMAGES * min(1.0, images / _MANY_IMAGES) if images else 0.0,
        effort,
        hint,
    )


def _build(body: Mapping[str, Any]) -> tuple[float, float]:
    """What tools give, and what their schemas and that of the answer do."""
    tools = body.get("tools") or body.get("functions")
    schemas = _of_answer(body)
    share = 0.0
    if isinstance(tools, list) and tools:
        share = _TOOLS * min(1.0, len(tools) / _MANY_TOOLS)
        for tool in tools[:NODES_READ]:
            if isinstance(tool, dict):
                within = tool.get("function")
                schema = (within if isinstance(within, dict) else tool).get("parameters") or tool.get("input_schema")
                if isinstance(schema, dict):
                    schemas.append(schema)
    return share, _SCHEMA * _depth(schemas) / _DEEP if schemas else 0.0


def _beside(body: Mapping[str, Any], texts: list[str]) -> int:
    """How much is shown in what is said beside the conversation; its texts join the others."""
    return sum([_content(body[field], texts) for field in _BESIDE if field in body])


def _content(content: object, texts: list[str], *, nested: bool = False) -> int:
    """How much is shown in it; its texts join the others. `nested`: it is the result of a tool."""
    if isinstance(content, str):
        texts.append(content)
        return 0
    images = 0
    for part in content[:TURNS_READ] if isinstance(content, list) else ():
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            if isinstance(text := part.get("text"), str):
                texts.append(text)
            elif part.get("type") in _SHOWN:
                images += 1
            elif "content" in part and not nested:
                images += _content(part["content"], texts, nested=True)
    return images


def _read(texts: list[str]) -> tuple[float, float]:
    """What the texts give: by their length, and by what the first of them have that source code is full of and prose is
    not. Each sign is looked for after a letter of it whose absence is seen at once."""
    characters = len(texts[0]) if len(texts) == 1 else sum(map(len, texts))
    if characters <= TEXT_READ:
        read = "\n".join(texts)
        size: float = len(read)
    else:
        read, size = _beginning(texts), characters
    if not read.isascii():
        size *= len(read.encode("utf-8", "surrogatepass")) / len(read)
    length = log2(1 + size / _SHORT_BYTES) * _PER_BIT
    length = length if length < _LENGTH else _LENGTH  # noqa: FURB136 - a call costs more
    if "`" in read and FENCE in read:
        return length, _CODE
    signs = 0
    if "<" in read and "</" in read:
        signs += 1
    if "=" in read and "=> " in read:
        signs += 1
    if "\n" in read:
        if "{" in read and "{\n" in read:
            signs += 1
        if ";" in read and ";\n" in read:
            signs += 1
        if ")" in read and "):\n" in read:
            signs += 1
    return length, _CODE * min(1.0, signs / 2) if signs else 0.0


def _beginning(texts: list[str]) -> str:
    """The first `TEXT_READ` characters of all."""
    left, read = TEXT_READ, []
    for text in texts:
        read.append(text[:left])
        left -= len(read[-1]) + 1
        if left <= 0:
            break
    return "\n".join(read)


def _depth(schemas: list[Any]) -> int:
    """Levels of the deepest schema, as far as they count: 1 for an object of plain fields."""
    for depth in range(_DEEP):
        below: list[Any] = []
        for schema in schemas:
            if isinstance(named := schema.get("properties"), dict):
                below += named.values()
            elif not _NESTING.isdisjoint(schema):
                _nested(schema, below)
        if not below:
            return depth
        schemas = [one for one in below if isinstance(one, dict) and one.get("type") not in _PLAIN][:NODES_READ]
    return _DEEP


def _nested(schema: Mapping[str, Any], below: list[Any]) -> None:
    """The schemas in its lists and choices join the others."""
    if isinstance(items := schema.get("items"), dict):
        below.append(items)
        if len(schema) == 2 and "type" in schema:  # as nearly always
            return
    elif isinstance(items, list):
        below += items
    for field in _CHOICES:
        if field in schema:
            within = schema[field]
            below += within if isinstance(within, list) else within.values() if isinstance(within, dict) else ()


def _of_answer(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The schema that the answer is to have, as each dialect says it; at most one."""
    for field, names in _ANSWERS:
        if field in body:
            found: Any = body[field]
            for name in names:
                found = found.get(name) if isinstance(found, dict) else None
            if isinstance(found, dict):
                return [found]
    return []


def _effort(body: Mapping[str, Any]) -> str:
    said = body.get("reasoning_effort")
    for field in ("reasoning", "output_config"):
        if said is None and field in body and isinstance(body[field], dict):
            said = body[field].get("effort")
    if said is None and "thinking" in body and isinstance(body["thinking"], dict):
        return _of_thinking(body["thinking"])
    return said if isinstance(said, str) else ""


def _of_thinking(thinking: Mapping[str, Any]) -> str:
    kind, most = thinking.get("type"), thinking.get("budget_tokens")
    if kind == "adaptive":
        return "medium"
    if kind != "enabled":
        return ""
    if not isinstance(most, int):
        return "medium"
    return next((effort for upto, effort in _THINKING if most <= upto), "high")
