"""Several schemas that hold together, as one that says the same."""

from collections.abc import Sequence
from typing import Any

from translators.ir import Json

Schema = dict[str, Json]

_UNIONS = frozenset(("anyOf", "oneOf", "$ref"))


def joined(schemas: Sequence[Json]) -> Schema | None:
    """One schema that demands what all of `schemas` do; None where there is no such one. Where two say different
    things of what cannot be joined (a description, a bound), the first is kept."""
    whole: Schema = {}
    for schema in schemas:
        if schema is True:
            continue
        if not isinstance(schema, dict):
            return None
        for key, value in schema.items():
            if key not in whole:
                whole[key] = value
            elif whole[key] != value and not _join(whole, key, value):
                return None
    split = whole.keys() & _UNIONS
    alone = not split or (len(split) == 1 and "properties" not in whole and "required" not in whole)
    return whole if alone else None


def _join(whole: Schema, key: str, value: Json) -> bool:
    """Adds to what is known under `key`; False where both cannot hold."""
    known: Any = whole[key]
    if isinstance(known, dict) and isinstance(value, dict):
        both = {name: {"allOf": [known[name], one]} for name, one in value.items() if known.get(name, one) != one}
        whole[key] = known | {name: one for name, one in value.items() if name not in known}
        if key == "properties":
            whole[key] |= both
    elif key in ("required", "allOf") and isinstance(known, list) and isinstance(value, list):
        whole[key] = [*known, *(one for one in value if one not in known)]
    elif key == "additionalProperties":
        whole[key] = False if value is False else known
    elif key in ("type", "enum"):
        return _narrow(whole, key, known, value)
    else:
        return key not in _UNIONS
    return True


def _narrow(whole: Schema, key: str, known: Json, value: Json) -> bool:
    """What both lists have; a single type is a list of one."""
    first = known if isinstance(known, list) else [known]
    second = value if isinstance(value, list) else [value]
    shared = [one for one in first if one in second]
    whole[key] = shared[0] if key == "type" and len(shared) == 1 else shared
    return bool(shared)
