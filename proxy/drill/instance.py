"""The smallest value a JSON schema accepts, as far as a scripted answer needs it.

Covers what structured output and tool schemas use: type, properties, required, items, enum, const, anyOf, oneOf,
allOf, local $ref, lengths, bounds and the usual formats. Patterns are not solved. Recursion ends after 16 levels. A
keyword whose value is of another type than it must be says nothing, as schemas come from whoever calls.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_DEPTH = 16
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "demo@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
    "duration": "PT1S",
}

Schema = Mapping[str, Any]
_NUMBERS = frozenset(
    ("minItems", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
)
_TYPES: dict[str, Any] = {
    "properties": Mapping,
    "required": list,
    "enum": list,
    "anyOf": list,
    "oneOf": list,
    "allOf": list,
    "format": str,
    **dict.fromkeys(_NUMBERS, (int, float)),
}
"""Keywords and what their values are."""


def smallest_instance(schema: Any, root: Schema | None = None, depth: int = 0) -> Any:
    """A value that `schema` accepts; None where it says nothing or goes too deep."""
    if not isinstance(schema, Mapping) or depth > _DEPTH:
        return None
    top = schema if root is None else root
    plain = _flattened(schema, top, depth)
    if "const" in plain:
        return plain["const"]
    if plain.get("enum"):
        return plain["enum"][0]
    make = _MAKERS.get(_type(plain))
    return make(plain, top, depth) if make else None


def _flattened(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    """`schema` with its reference followed, the first alternative taken and all parts merged."""
    schema = dict(_meant(schema))
    flat = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf", "oneOf", "allOf")}
    parts = [_resolved(schema["$ref"], root)] if "$ref" in schema else []
    for alternatives in ("anyOf", "oneOf"):
        parts += schema.get(alternatives, [])[:1]
    parts += schema.get("allOf", [])
    for part in parts:
        if isinstance(part, Mapping) and depth < _DEPTH:
            more = _flattened(part, root, depth + 1)
            properties = {**flat.get("properties", {}), **more.get("properties", {})}
            required = [*flat.get("required", ()), *more.get("required", ())]
            flat = {**flat, **more}
            if properties:
                flat |= {"properties": properties, "required": required}
    return flat


def _meant(schema: Schema) -> Iterator[tuple[str, Any]]:
    """The keywords whose values are of the type that they must be."""
    for key, value in schema.items():
        if isinstance(value, _TYPES.get(key, object)) and not (key in _NUMBERS and isinstance(value, bool)):
            yield key, value


def _resolved(reference: Any, root: Schema) -> Any:
    """The part of `root` that `#/a/b` names; `{}` for anything else."""
    at: Any = root
    for step in str(reference).removeprefix("#").split("/")[1:]:
        at = at.get(step, {}) if isinstance(at, Mapping) else {}
    return at


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "null"


def _object(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = [name for name in schema.get("required", ()) if isinstance(name, str)]
    return {name: smallest_instance(properties.get(name), root, depth + 1) for name in required}


def _array(schema: Schema, root: Schema, depth: int) -> list[Any]:
    count = int(min(schema.get("minItems", 0), 100))
    return [smallest_instance(schema.get("items"), root, depth + 1) for _ in range(count)]


def _string(schema: Schema, root: Schema, depth: int) -> str:  # noqa: ARG001 - one signature for all makers
    text = _FORMATS.get(schema.get("format", ""), "demo")
    shortest = int(min(max(schema.get("minLength", 0), 0), 10_000))
    longest = int(min(max(schema.get("maxLength", len(text)), 0), len(text)))
    return text.ljust(shortest, "o")[: max(shortest, longest)]


def _number(schema: Schema, root: Schema, depth: int) -> int | float:  # noqa: ARG001 - one signature for all makers
    """Zero, or the value nearest to it that the bounds allow."""
    step = max(schema.get("multipleOf", 1), 0) or 1
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if "exclusiveMinimum" in schema:
        low = max(low, schema["exclusiveMinimum"] + step)
    if "exclusiveMaximum" in schema:
        high = min(high, schema["exclusiveMaximum"] - step)
    value: int | float = 0
    if low > 0:
        value = _rounded(math.ceil, low, step)
    elif high < 0:
        value = _rounded(math.floor, high, step)
    return value


def _rounded(way: Callable[[float], int], bound: float, step: float) -> int | float:
    """The multiple of `step` at a bound; the bound itself where there are too many of them to count."""
    try:
        return way(bound / step) * step
    except OverflowError:
        return bound


_MAKERS: dict[str, Callable[[Schema, Schema, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda *_: False,
}
