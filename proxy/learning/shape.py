"""Whether a JSON value has the form that a schema asks for. Pure, and bounded, for both come from outside.

Looked at is what vendors take in structured outputs: types, properties, items, enumerations, bounds, alternatives and
references within the schema. What else a schema says (patterns, formats) is not looked at: a client's pattern could
take forever.
"""

from collections.abc import Mapping
from typing import Any, Final

STEPS: Final = 20_000
"""Schemas applied to values, at most."""
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "null": (type(None),),
    "integer": (int,), "number": (int, float),
}  # fmt: skip


class Undecided(Exception):
    """It would take too long, or the schema is none that can be read."""


def fits(value: Any, schema: Any) -> bool:
    """Raises Undecided."""
    try:
        return _Look(schema).fits(value, schema)
    except RecursionError:
        raise Undecided from None


class _Look:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = STEPS

    def fits(self, value: Any, schema: Any) -> bool:
        self._left -= 1
        if self._left < 0:
            raise Undecided
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise Undecided
        return (
            _is(value, schema)
            and _bounded(value, schema)
            and self._members(value, schema)
            and self._elements(value, schema)
            and self._alternatives(value, schema)
        )

    def _members(self, value: Any, schema: dict[str, Any]) -> bool:
        if not isinstance(value, dict):
            return True
        known, more = _table(schema, "properties"), schema.get("additionalProperties", True)
        if any(name not in value for name in _list(schema, "required")):
            return False
        return all(self.fits(one, known.get(name, more)) for name, one in value.items())

    def _elements(self, value: Any, schema: dict[str, Any]) -> bool:
        if not isinstance(value, list):
            return True
        first, rest = _list(schema, "prefixItems"), schema.get("items", True)
        return all(self.fits(one, first[place] if place < len(first) else rest) for place, one in enumerate(value))

    def _alternatives(self, value: Any, schema: dict[str, Any]) -> bool:
        if "$ref" in schema and not self.fits(value, self._referred(schema["$ref"])):
            return False
        if not all(self.fits(value, one) for one in _list(schema, "allOf")):
            return False
        if "anyOf" in schema and not any(self.fits(value, one) for one in _list(schema, "anyOf")):
            return False
        return "oneOf" not in schema or sum(self.fits(value, one) for one in _list(schema, "oneOf")) == 1

    def _referred(self, name: Any) -> Any:
        """What a reference within the schema means."""
        if not isinstance(name, str) or not name.startswith("#"):
            raise Undecided
        found = self._root
        for escaped in name[1:].split("/")[1:]:
            step = escaped.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or step not in found:
                raise Undecided
            found = found[step]
        return found


def _is(value: Any, schema: dict[str, Any]) -> bool:
    """Whether it is of a type, and one of the values, that the schema names."""
    if "type" in schema:
        named = schema["type"]
        types = named if isinstance(named, list) else [named]
        if not any(_typed(value, one) for one in types):
            return False
    if "const" in schema and not _same(value, schema["const"]):
        return False
    return "enum" not in schema or any(_same(value, one) for one in _list(schema, "enum"))


def _typed(value: Any, name: Any) -> bool:
    kinds = _TYPES.get(name) if isinstance(name, str) else None
    if kinds is None:
        raise Undecided
    if isinstance(value, bool):
        return bool(name == "boolean")
    return isinstance(value, kinds) or (name == "integer" and isinstance(value, float) and value.is_integer())


def _same(value: Any, other: Any) -> bool:
    """In JSON true is not 1."""
    return bool(value == other and isinstance(value, bool) == isinstance(other, bool))


def _bounded(value: Any, schema: dict[str, Any]) -> bool:
    if isinstance(value, (str, list, dict)):
        least, most = _BOUNDS[type(value)]
        return _number(schema, least, 0) <= len(value) <= _number(schema, most, float("inf"))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return True
    return bool(
        _number(schema, "minimum", float("-inf")) <= value <= _number(schema, "maximum", float("inf"))
        and ("exclusiveMinimum" not in schema or value > _number(schema, "exclusiveMinimum", 0))
        and ("exclusiveMaximum" not in schema or value < _number(schema, "exclusiveMaximum", 0))
    )


_BOUNDS: Final = {
    str: ("minLength", "maxLength"),
    list: ("minItems", "maxItems"),
    dict: ("minProperties", "maxProperties"),
}


def _number(schema: dict[str, Any], name: str, default: float) -> float:
    found = schema.get(name, default)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise Undecided
    return found


def _list(schema: dict[str, Any], name: str) -> list[Any]:
    found = schema.get(name, [])
    if not isinstance(found, list):
        raise Undecided
    return found


def _table(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found = schema.get(name, {})
    if not isinstance(found, dict):
        raise Undecided
    return found
