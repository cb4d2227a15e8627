"""Which schemas OpenAI enforces: `strict` is a 400 for any other, where Anthropic's and Gemini's clients may have them.

Source: OpenAI's guide on structured outputs (supported schemas) and the texts of its 400s. Every object names all its
properties as required and is closed, the outermost is an object and no union, and some keywords do not exist.
"""

from collections.abc import Mapping

from translators.ir import Json
from translators.profile import Profile
from translators.report import Report

STRICT = "response_format.json_schema.strict"
NODES = 20_000
"""Most nodes looked at."""
FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
_UNKNOWN = frozenset(
    (
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "else",
        "default",
        "dependentRequired",
        "dependentSchemas",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
        "minProperties",
        "maxProperties",
        "prefixItems",
        "unevaluatedItems",
        "contains",
        "minContains",
        "maxContains",
        "uniqueItems",
    )
)
_KINDS = frozenset(("type", "enum", "const", "anyOf", "$ref"))
"""One of these says what a node is."""
_BESIDE_REF = frozenset(("$ref", "$defs", "definitions"))


def enforced(
    strict: bool | None,
    schema: Mapping[str, Json],
    field: str,
    profile: Profile,
    report: Report,
) -> bool | None:
    """What `strict` is to be; a schema that the target would refuse to enforce is offered, which is noted."""
    if not strict or not profile.strict_subset or fits(schema):
        return strict
    report.approximated(field, "the schema is offered, not enforced")
    return False


def fits(schema: Mapping[str, Json]) -> bool:
    """Whether OpenAI takes the schema as strict."""
    if schema.get("type") != "object" or "anyOf" in schema:
        return False
    ahead: list[Json] = [schema]
    seen = 0
    while ahead:
        node = ahead.pop()
        seen += 1
        if seen > NODES or not isinstance(node, dict) or not _fits(node):
            return False
        for name in ("properties", "$defs", "definitions"):
            inside = node.get(name)
            ahead += inside.values() if isinstance(inside, dict) else ()
        if "items" in node:
            ahead.append(node["items"])
        union = node.get("anyOf")
        ahead += union if isinstance(union, list) else ()
    return True


def _fits(node: dict[str, Json]) -> bool:
    """Whether this node is fine, whatever is inside it."""
    names = node.keys()
    if names & _UNKNOWN or not names & _KINDS or node.get("format", "uuid") not in FORMATS:
        return False
    if "$ref" in node:
        return names <= _BESIDE_REF
    kind = node.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "array" in kinds and "items" not in node:
        return False
    properties, required = node.get("properties"), node.get("required")
    if "object" not in kinds and properties is None:
        return True
    told = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    return node.get("additionalProperties") is False and isinstance(properties, dict) and properties.keys() <= told
