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
_SCALE: Final = log2(1 + 32_768 / _SHORT)
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
_MORE: Final = frozenset(
    (*_BESIDE, "tools", "functions", "reasoning_effort", "reasoning", "thinking", *(field for field, _ in _ANSWERS))
)
"""Fields beside the conversation that are looked at; most requests have none of them."""


Part = tuple[str, float]
"""What gives how much."""


class Complexity(Struct, frozen=True):
    score: float
    """0 to 1, with two decimals: as it is told, so it decides."""
    parts: tuple[Part, ...]
    """What each part gives to it; those that give nothing are left out."""


def complexity(body: Mapping[str, Any], hint: float = 0.0) -> Complexity:
    """Of a request's parsed body, in any dialect; `hint` is the task's."""
    parts = _parts(body, hint)
    return Complexity(_sum(parts), tuple(parts))


def score(body: Mapping[str, Any], hint: float = 0.0) -> float:
    """The same without what each part gives to it."""
    return _sum(_parts(body, hint))


def _sum(parts: list[Part]) -> float:
    total = 0.0
    for _, share in parts:
        total += share
    return round(total, 2) if 0.0 <= total <= 1.0 else float(total > 1.0)


def _parts(body: Mapping[str, Any], hint: float) -> list[Part]:
    texts: list[str] = []
    turns, images = _conversation(body, texts)
    parts: list[Part] = []
    if more := not _MORE.isdisjoint(body):
        for field in _BESIDE:
            if field in body:
                images += _content(body[field], texts)
    if texts:
        _read(texts, parts)
    if turns > 1:
        parts.append(("turns", _TURNS * min(1.0, (turns - 1) / _MANY_TURNS)))
    if more:
        _build(body, parts)
    if images:
        parts.append(("images", _IMAGES * min(1.0, images / _MANY_IMAGES)))
    if more and (effort := _EFFORTS.get(_effort(body))):
        parts.append(("reasoning", effort))
    if hint:
        parts.append(("hint", hint))
    return parts


def _build(body: Mapping[str, Any], parts: list[Part]) -> None:
    """What tools and a schema of the answer give."""
    tools = body.get("tools") or body.get("functions")
    schemas = _of_answer(body)
    if isinstance(tools, list) and tools:
        parts.append(("tools", _TOOLS * min(1.0, len(tools) / _MANY_TOOLS)))
        schemas += [schema for tool in tools[:NODES_READ] if (schema := _of_tool(tool))]
    if schemas and (depth := _depth(schemas)):
        parts.append(("schema", _SCHEMA * min(1.0, depth / _DEEP)))


def _conversation(body: Mapping[str, Any], texts: list[str]) -> tuple[int, int]:
    """The user's turns and how much is shown in them; what is said joins the texts."""
    turns = images = 0
    messages = body.get("messages") or body.get("input")
    if isinstance(messages, list):
        for message in messages[-TURNS_READ:]:
            if isinstance(message, dict):
                if isinstance(content := message.get("content"), str):
                    texts.append(content)
                else:
                    images += _content(content or message.get("output"), texts)
                if message.get("role") == "user":
                    turns += 1
    elif isinstance(messages, str):
        texts.append(messages)
    return turns, images


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


def _read(texts: list[str], parts: list[Part]) -> None:
    """What the texts give: by their length, and by what looks like code in the first of them."""
    characters = sum(map(len, texts))
    if characters <= TEXT_READ:
        read = "\n".join(texts)
        size: float = len(read) if read.isascii() else len(read.encode("utf-8", "surrogatepass"))
    else:
        read = _beginning(texts)
        size = float(characters)
        if not read.isascii():
            size *= len(read.encode("utf-8", "surrogatepass")) / len(read)
    if size:
        parts.append(("length", _LENGTH * min(1.0, log2(1 + size / _SHORT_BYTES) / _SCALE)))
    if signs := _signs(read):
        parts.append(("code", _CODE * min(1.0, signs / 2)))


def _signs(read: str) -> int:
    """How much there is of what source code is full of and prose is not; each is looked for after a letter of it whose
    absence is seen at once."""
    signs = 2 if "`" in read and FENCE in read else 0
    if "{" in read and "{\n" in read:
        signs += 1
    if ";" in read and ";\n" in read:
        signs += 1
    if "<" in read and "</" in read:
        signs += 1
    if "=" in read and "=> " in read:
        signs += 1
    if ")" in read and "):\n" in read:
        signs += 1
    return signs


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
    """Levels of the deepest schema: 1 for an object of plain fields."""
    depth = 0
    while depth < _DEEP:
        below: list[Any] = []
        for schema in schemas:
            if isinstance(named := schema.get("properties"), dict):
                below += named.values()
            elif not _NESTING.isdisjoint(schema):
                _nested(schema, below)
        if not below:
            break
        depth += 1
        schemas = [one for one in below if isinstance(one, dict) and one.get("type") not in _PLAIN][:NODES_READ]
    return depth


def _nested(schema: Mapping[str, Any], below: list[Any]) -> None:
    """The schemas in its lists and choices join the others."""
    if (items := schema.get("items")) is not None:
        below += items if isinstance(items, list) else [items] if isinstance(items, dict) else ()
    for field in _CHOICES:
        if field in schema:
            within = schema[field]
            below += within if isinstance(within, list) else within.values() if isinstance(within, dict) else ()


def _of_tool(tool: object) -> dict[str, Any] | None:
    if not isinstance(tool, dict):
        return None
    within = tool.get("function")
    schema = (within if isinstance(within, dict) else tool).get("parameters") or tool.get("input_schema")
    return schema if isinstance(schema, dict) else None


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
