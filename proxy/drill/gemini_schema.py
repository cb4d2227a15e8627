"""Which JSON schemas a scripted provider of the Gemini dialect takes (Gemini API reference, structured output and
function calling): the keywords that are documented, and beside a reference none but those that begin with `$`."""

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.drill.checks import names, unknown

_KEYWORDS = names(
    "$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems minimum maximum"
    " anyOf oneOf properties additionalProperties required propertyOrdering"
)
_NAMED = ("properties", "$defs")
_LISTED = ("anyOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


def schema_problem(schema: Mapping[str, Any], at: str) -> Iterator[str]:
    """What a real server would refuse about a schema."""
    for name in unknown(schema, _KEYWORDS):
        yield f"Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field."
    if "$ref" in schema and any(not name.startswith("$") for name in schema):
        yield f"{at}: a schema with $ref may only have keywords that begin with $."
    for name, part in _parts(schema):
        yield from schema_problem(part, f"{at}.{name}")


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for keyword in _NAMED:
        yield from ((f"{keyword}.{name}", part) for name, part in schema.get(keyword, {}).items())
    for keyword in _LISTED:
        yield from ((f"{keyword}[{index}]", part) for index, part in enumerate(schema.get(keyword, ())))
    for keyword in _SINGLE:
        if isinstance(schema.get(keyword), Mapping):
            yield keyword, schema[keyword]
