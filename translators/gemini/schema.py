"""JSON Schema, fitted to what Gemini reads.

Gemini takes JSON Schema in `parametersJsonSchema` and `responseJsonSchema`, but not all of it: a keyword it does not
know is a 400 on some models and ignored on others. A keyword that constrains the value is moved into its node's
description, where the model still reads it; one that says nothing to the model goes without a word. Source: Google's
function calling and structured output pages, and what recorded requests were accepted with.

Rules: `const` is an `enum` of one; `oneOf` becomes `anyOf`; an `allOf` is merged into its node; `definitions` becomes
`$defs`; a node with `$ref` has no other members but those that begin with `$`, so where there are others the reference
becomes an `anyOf` of one. References may be recursive. One that leads nowhere, or out of the schema, becomes a value of
any kind, and is reported.

The functions are pure: the caller's schema is never changed.
"""

import re
from collections.abc import Mapping

import orjson

from translators.ir import Json
from translators.pointers import Definitions

Schema = dict[str, Json]

DEPTH = 64
"""Deepest nesting fitted."""
NODES = 10_000
"""Most nodes fitted."""

_TOOL = frozenset(("type", "format", "description", "enum", "required"))
_RESPONSE = _TOOL | {
    "title",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "propertyOrdering",
    "$id",
    "$anchor",
}
_MUTE = frozenset(
    (
        "$schema",
        "$id",
        "$anchor",
        "$comment",
        "title",
        "examples",
        "example",
        "strict",
        "cache_control",
        "propertyOrdering",
        "deprecated",
        "readOnly",
        "writeOnly",
        "nullable",
    )
)
"""Keywords that say nothing about the value, or are no part of a schema at all."""
_REF = re.compile(r"#/(?:\$defs|definitions)/([^/]+)")


class Unfit(ValueError):
    """The schema is too large; the text is one short clause."""


def fit_tool(schema: Mapping[str, Json]) -> tuple[Schema, list[str]]:
    """`schema` as a function's parameters, and the keywords that were moved or changed (sorted). Raises Unfit."""
    return _fit(schema, _TOOL)


def fit_response(schema: Mapping[str, Json]) -> tuple[Schema, list[str]]:
    """`schema` as the form of an answer, and the keywords that were moved or changed (sorted). Raises Unfit."""
    return _fit(schema, _RESPONSE)


def _fit(schema: Mapping[str, Json], plain: frozenset[str]) -> tuple[Schema, list[str]]:
    fitter = _Fitter(schema, plain)
    fitted = fitter.node(schema, 0)
    while fitter.definitions.waiting:
        name, node = fitter.definitions.waiting.pop()
        fitted.setdefault("$defs", {})[name] = fitter.node(node, 1)
    return fitted, sorted(fitter.changes)


class _Fitter:
    def __init__(self, root: Mapping[str, Json], plain: frozenset[str]) -> None:
        self.changes: set[str] = set()
        self.definitions = Definitions(root)
        self._plain = plain
        self._defined = {
            name: one
            for key in ("definitions", "$defs")
            if isinstance(root.get(key), dict)
            for name, one in root[key].items()
        }
        self._nodes = 0

    def node(self, node: Json, depth: int) -> Schema:
        self._nodes += 1
        if depth > DEPTH or self._nodes > NODES:
            raise Unfit("it is too deep or too large")
        if not isinstance(node, Mapping):
            return {}
        reference = self._reference(node["$ref"]) if isinstance(node.get("$ref"), str) else None
        fitted: Schema = {}
        moved: list[str] = []
        for key, value in node.items():
            if reference is not None and key == "$ref":
                continue
            if not self._keyword(fitted, key, value, depth) and key not in _MUTE:
                moved.append(f"{key}: {_brief(value)}")
                self.changes.add(key)
        if moved:
            words = "; ".join(moved)
            given = fitted.get("description")
            fitted["description"] = f"{given} ({words})" if given else words
        return fitted if reference is None else _referring(reference, fitted)

    def _reference(self, ref: str) -> Schema:
        match = _REF.fullmatch(ref)
        if ref == "#":
            return {"$ref": "#"}
        if match is not None and match[1] in self._defined:
            return {"$ref": f"#/$defs/{match[1]}"}
        name = self.definitions.named(ref)
        if name is not None:
            return {"$ref": f"#/$defs/{name}"}
        self.changes.add("$ref")
        return {}

    def _keyword(self, fitted: Schema, key: str, value: Json, depth: int) -> bool:
        """Writes one keyword into `fitted`; False when Gemini reads none such."""
        if key in self._plain:
            fitted[key] = value
        elif key == "const":
            fitted["enum"] = [value]
        elif key in ("properties", "$defs", "definitions") and isinstance(value, dict):
            named = "$defs" if key == "definitions" else key
            kept = {name: self.node(one, depth + 1) for name, one in value.items()}
            fitted[named] = {**fitted.get(named, {}), **kept}
        elif key == "items" and isinstance(value, dict):
            fitted[key] = self.node(value, depth + 1)
        elif key == "additionalProperties":
            return self._additional(fitted, value, depth)
        elif isinstance(value, list):
            return self._members(fitted, key, value, depth)
        else:
            return False
        return True

    def _additional(self, fitted: Schema, value: Json, depth: int) -> bool:
        if isinstance(value, dict) and value:
            fitted["additionalProperties"] = self.node(value, depth + 1)
        elif value is False:
            fitted["additionalProperties"] = False
        # True, and any value at all, is what leaving it out says.
        return True

    def _members(self, fitted: Schema, key: str, members: list[Json], depth: int) -> bool:
        if key in ("anyOf", "oneOf"):
            if key == "oneOf":
                self.changes.add(key)
            fitted["anyOf"] = [*fitted.get("anyOf", []), *(self.node(one, depth + 1) for one in members)]
        elif key == "prefixItems" and self._plain is _RESPONSE:
            fitted[key] = [self.node(one, depth + 1) for one in members]
        elif key == "allOf":
            self.changes.add(key)
            for one in members:
                _merge(fitted, self.node(self._written_out(one, len(members)), depth + 1))
        else:
            return False
        return True

    def _written_out(self, member: Json, count: int) -> Json:
        """What a member of an allOf refers to, as references cannot be merged; alone, it stands as a union of one."""
        ref = member.get("$ref") if isinstance(member, dict) else None
        match = _REF.fullmatch(ref) if isinstance(ref, str) else None
        if match is None or match[1] not in self._defined:
            return member
        return {"anyOf": [member]} if count == 1 else self._defined[match[1]]


def _referring(reference: Schema, rest: Schema) -> Schema:
    """A node that refers, and says more about what it refers to: the reference then stands apart."""
    if all(key.startswith("$") for key in rest):
        return {**reference, **rest}
    return {**rest, "anyOf": [reference]} if reference and "anyOf" not in rest else rest


def _merge(fitted: Schema, member: Schema) -> None:
    """Adds what one member of an allOf demands; where two say different things the first is kept."""
    for key, value in member.items():
        known = fitted.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            fitted[key] = known | {name: one for name, one in value.items() if name not in known}
        elif key == "required" and isinstance(known, list) and isinstance(value, list):
            fitted[key] = [*known, *(name for name in value if name not in known)]
        else:
            fitted.setdefault(key, value)


def _brief(value: Json) -> str:
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # too deep, or a number too large, to be written
        return "…"
    return text if len(text) <= 200 else text[:199] + "…"
