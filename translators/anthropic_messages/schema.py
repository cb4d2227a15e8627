"""JSON Schema, fitted to what Anthropic compiles for structured output and strict tools.

Anthropic takes a subset (its structured-outputs page): a bound or keyword outside it is a 400. Such a keyword is
moved into the node's description, where the model still reads it, and its name is given back so that the caller can
report it. Every object is closed (`additionalProperties: false`), as the subset demands.

Odd cases: `oneOf` becomes `anyOf`; `definitions` becomes `$defs`, and what a reference points to elsewhere becomes one
of them; an `allOf` is written into its node, because closed objects side by side admit nothing. What has no form here
raises `Unfit`: recursive and external references, and objects that name no members (maps), which closed could only be
empty.
"""

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import orjson

from translators.anthropic_messages.schema_parts import joined
from translators.ir import Json
from translators.pointers import Definitions, pointed

Schema = dict[str, Json]

DEPTH = 64
"""Deepest nesting fitted; a schema below that is refused rather than risked on the stack."""
NODES = 10_000
"""Most nodes fitted: references written out may multiply."""
STRICT_OPTIONAL = 24
STRICT_UNIONS = 16
"""Most optional and most union-typed properties over all strict tools of one request."""

FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"))
_PLAIN = frozenset(("type", "enum", "const", "default", "required", "title", "description"))
_MUTE = frozenset(("$schema", "$id", "$comment"))
"""Keywords that say nothing about the value."""
_REF = re.compile(r"#/(?:\$defs|definitions)/([^/]+)")
_COMPLEX_PATTERN = re.compile(r"\(\?[=!<]|\\[bB1-9]")


RECURSIVE = "it is recursive"
OPEN = "it has an object with names of its own, which would always be empty"


class Unfit(ValueError):
    """The schema has no form in the subset; the text is one short clause."""


def fit(schema: Mapping[str, Json]) -> tuple[Schema, list[str]]:
    """`schema` in the subset, and the keywords that were moved or changed (sorted, empty when it fitted as it was).

    Raises Unfit for recursion, references that lead outside, and more than `DEPTH` levels or `NODES` nodes.
    """
    fitter = _Fitter(schema)
    fitted = fitter.node(schema, 0, "")
    while fitter.pointed.waiting:
        name, node = fitter.pointed.waiting.pop()
        fitted.setdefault("$defs", {})[name] = fitter.node(node, 1, name)
    fitter.check_recursion()
    return fitted, sorted(fitter.changes)


def fits(schema: Mapping[str, Json]) -> bool:
    """Whether `schema` can be compiled as it stands."""
    fitter = _Fitter(schema, exact=True)
    try:
        fitter.node(schema, 0, "")
        fitter.check_recursion()
    except Unfit:
        return False
    return True


class _Fitter:
    """With `exact`, the first change raises Unfit: nothing is written out, and the work is what the schema is long."""

    def __init__(self, root: Mapping[str, Json], *, exact: bool = False) -> None:
        self.changes: set[str] = set()
        self._exact = exact
        self._definitions: dict[str, Json] = {}
        for key in ("definitions", "$defs"):
            if isinstance(root.get(key), dict):
                self._definitions.update(root[key])
        self.pointed = Definitions(root)
        self._refers: dict[str, set[str]] = {}
        self._nodes = 0

    def _change(self, keyword: str) -> None:
        if self._exact:
            raise Unfit(f"its {keyword} would have to change")
        self.changes.add(keyword)

    def node(self, node: Json, depth: int, owner: str) -> Schema:
        """One schema node; `owner` is the definition it stands in, for finding cycles."""
        self._nodes += 1
        if depth > DEPTH or self._nodes > NODES:
            raise Unfit("it is too deep or too large")
        if not isinstance(node, dict):
            return {}
        ref = node.get("$ref")
        if isinstance(ref, str):
            return self._reference(node, ref, depth, owner)
        node = self._joined(node, owner)
        if _is_open(node):
            raise Unfit(OPEN)
        return self._plain(node, depth, owner)

    def _plain(self, node: Schema, depth: int, owner: str) -> Schema:
        """A node that is neither a reference nor several in one."""
        fitted: Schema = {}
        moved: list[str] = []
        for key, value in node.items():
            if not self._keyword(fitted, key, value, depth, owner):
                moved.append(f"{key}: {_brief(value)}")
                self._change(key)
        if _is_object(node):
            if node.get("additionalProperties") is not False:
                self._change("additionalProperties")
            fitted.setdefault("type", "object")
            fitted["additionalProperties"] = False
        if moved:
            words = "; ".join(moved)
            given = fitted.get("description")
            fitted["description"] = f"{given} ({words})" if given else words
        return fitted

    def _reference(self, node: Schema, ref: str, depth: int, owner: str) -> Schema:
        match = _REF.fullmatch(ref)
        if ref == "#":
            raise Unfit(RECURSIVE)
        name = match[1] if match is not None and match[1] in self._definitions else self._pointed(ref)
        self._refers.setdefault(owner, set()).add(name)
        fitted: Schema = {"$ref": f"#/$defs/{name}"}
        for key in node:
            if key in ("$defs", "definitions"):
                self._keyword(fitted, key, node[key], depth, owner)
            elif key != "$ref":
                self._change(key)
        return fitted

    def _pointed(self, ref: str) -> str:
        name = None if self._exact else self.pointed.named(ref)
        if name is None:
            raise Unfit(f"its $ref {ref[:60]} leads to nothing that can be sent")
        return name

    def _keyword(self, fitted: Schema, key: str, value: Json, depth: int, owner: str) -> bool:
        """Writes one keyword into `fitted`; False when the subset has none such."""
        if key in _PLAIN:
            fitted[key] = value
        elif key in ("$defs", "definitions") and isinstance(value, dict):
            kept = {name: self.node(one, depth + 1, name) for name, one in value.items()}
            fitted["$defs"] = {**fitted.get("$defs", {}), **kept}
        elif key == "properties" and isinstance(value, dict):
            fitted[key] = {name: self.node(one, depth + 1, owner) for name, one in value.items()}
        elif key == "items" and isinstance(value, dict):
            fitted[key] = self.node(value, depth + 1, owner)
        elif key in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
            self._combine(fitted, key, value, depth, owner)
        elif key == "additionalProperties":
            return value is False or isinstance(value, bool)
        elif key in _MUTE:
            return True
        else:
            return _verbatim(fitted, key, value)
        return True

    def _combine(self, fitted: Schema, key: str, members: list[Json], depth: int, owner: str) -> None:
        if key == "oneOf":
            self._change(key)
            fitted["anyOf"] = [*fitted.get("anyOf", []), *(self.node(one, depth + 1, owner) for one in members)]
        elif key == "anyOf":
            fitted["anyOf"] = [*fitted.get("anyOf", []), *(self.node(one, depth + 1, owner) for one in members)]
        else:  # an allOf of one reference: what had more to say was joined
            self._change(key)
            fitted.update({**self.node(members[0], depth + 1, owner), **fitted})

    def _joined(self, node: Schema, owner: str) -> Schema:
        """The node with its allOf written into it: closed objects side by side would forbid one another's members."""
        while isinstance(members := node.get("allOf"), list) and not _is_alias(node, members):
            self._change("allOf")
            self._nodes += len(members)
            if self._nodes > NODES:
                raise Unfit("it is too deep or too large")
            rest = {key: value for key, value in node.items() if key != "allOf"}
            whole = joined([rest, *(self._written_out(one, owner) for one in members)])
            if whole is None:
                raise Unfit("its allOf cannot be said as one object")
            node = whole
        return node

    def _written_out(self, node: Json, owner: str) -> Json:
        """The definition behind a `$ref` member of an allOf."""
        match = _REF.fullmatch(node["$ref"]) if isinstance(node, dict) and isinstance(node.get("$ref"), str) else None
        if match is None or match[1] not in self._definitions:
            return node
        self._refers.setdefault(owner, set()).add(match[1])
        return self._definitions[match[1]]

    def check_recursion(self) -> None:
        """Raises Unfit when a definition reaches itself."""
        try:
            TopologicalSorter(self._refers).prepare()
        except CycleError:
            raise Unfit(RECURSIVE) from None


def _is_object(node: Schema) -> bool:
    kind = node.get("type")
    return kind == "object" or isinstance(node.get("properties"), dict) or (isinstance(kind, list) and "object" in kind)


def _is_open(node: Schema) -> bool:
    """Whether this is an object of which only the answer can tell the names, as a map is."""
    unions = node.keys() & {"properties", "anyOf", "oneOf", "allOf", "enum", "const"}
    return _is_object(node) and not unions and node.get("additionalProperties") is not False


def _is_alias(node: Schema, members: list[Json]) -> bool:
    """Whether an allOf is nothing but another name for a definition."""
    alone = len(members) == 1 and isinstance(members[0], dict) and members[0].keys() == {"$ref"}
    return alone and not _is_object(node) and "required" not in node


def _verbatim(fitted: Schema, key: str, value: Json) -> bool:
    """Keywords taken with some values only."""
    taken = (
        (key == "format" and isinstance(value, str) and value in FORMATS)
        or (key == "minItems" and value in (0, 1))
        or (key == "pattern" and isinstance(value, str) and not _COMPLEX_PATTERN.search(value))
    )
    if taken:
        fitted[key] = value
    return taken


def _brief(value: Json) -> str:
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # too deep, or a number too large, to be written
        return "…"
    return text if len(text) <= 200 else text[:199] + "…"


def flattened(parameters: Mapping[str, Json]) -> tuple[Schema, bool]:
    """`parameters` as one object, and whether a top-level anyOf, oneOf or allOf had to be merged into it. What a
    top-level reference leads to stands in its place.

    A tool's schema must be an object without those at its top. Properties of all branches are offered; required is
    what every branch of an anyOf/oneOf requires, and what any member of an allOf does.
    """
    target = pointed(parameters, parameters["$ref"]) if isinstance(parameters.get("$ref"), str) else None
    if target is not None and "$ref" not in target:
        return flattened({**target, **{key: value for key, value in parameters.items() if key != "$ref"}})
    unions = [key for key in ("anyOf", "oneOf", "allOf") if isinstance(parameters.get(key), list)]
    if not unions:
        if parameters.get("type") == "object":
            return dict(parameters), False
        return {"properties": {}, **parameters, "type": "object"}, parameters.get("type") is not None
    flat = {key: value for key, value in parameters.items() if key not in unions}
    offered = {name: {repr(one): one} for name, one in _properties(flat).items()}
    required = _required(flat)
    for key in unions:
        members = [_resolved(one, parameters) for one in parameters[key]]
        for member in members:
            for name, one in _properties(member).items():
                offered.setdefault(name, {})[repr(one)] = one
        needs = [set(_required(member)) for member in members] or [set()]
        wanted = set.union(*needs) if key == "allOf" else set.intersection(*needs)
        required += sorted(wanted - set(required))
    properties = {name: _either(list(variants.values())) for name, variants in offered.items()}
    flat.update(type="object", properties=properties)
    if required:
        flat["required"] = required
    return flat, True


def _either(variants: list[Json]) -> Json:
    return variants[0] if len(variants) == 1 else {"anyOf": variants}


def _properties(schema: Mapping[str, Json]) -> Schema:
    given = schema.get("properties")
    return dict(given) if isinstance(given, dict) else {}


def _required(schema: Mapping[str, Json]) -> list[str]:
    given = schema.get("required")
    return [name for name in given if isinstance(name, str)] if isinstance(given, list) else []


def _resolved(member: Json, root: Mapping[str, Json]) -> Mapping[str, Json]:
    """The member itself, or the definition its `$ref` leads to."""
    if not isinstance(member, dict):
        return {}
    match = _REF.fullmatch(member["$ref"]) if isinstance(member.get("$ref"), str) else None
    if match is None:
        return member
    definitions = root.get("$defs") or root.get("definitions")
    target = definitions.get(match[1]) if isinstance(definitions, dict) else None
    return target if isinstance(target, dict) else {}


def burden(schema: Json) -> tuple[int, int]:
    """Optional properties and union-typed nodes in a schema, which Anthropic limits over all strict tools."""
    optional = unions = 0
    ahead = [schema]
    while ahead:
        node = ahead.pop()
        if isinstance(node, list):
            ahead.extend(node)
        if not isinstance(node, dict):
            continue
        optional += len(_properties(node).keys() - set(_required(node)))
        unions += isinstance(node.get("type"), list) or "anyOf" in node
        ahead.extend(node.values())
    return optional, unions
