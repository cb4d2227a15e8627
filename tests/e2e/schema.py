"""Values that a JSON schema of OpenAPI allows, and such as it all but allows, by chance."""

import random  # noqa: TID251 - by a fixed seed
from collections.abc import Mapping
from typing import Any

DEEPEST = 6
TEXTS = (
    "",
    "a",
    "hello",
    "ä😀",
    "{}",
    '{"a":1}',
    "https://images.test/a.png",
    "data:image/png;base64,iVBORw0=",
    "x" * 70,
)
NAMES = ("f", "look_up", "a-b", "n" * 64)
ODD: tuple[Any, ...] = (None, True, -1, 0, 2**53, 1e300, 0.5, "", "x", [], {}, [None], {"a": {}}, "\x00", "[DONE]")


class Maker:
    """`schemas` are what `#/components/schemas/` names."""

    def __init__(self, schemas: Mapping[str, Any], seed: int) -> None:
        self._schemas = schemas
        self._chance = random.Random(seed)

    def made(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """A value that the schema allows."""
        if "$ref" in schema:
            return self.made(self._schemas[schema["$ref"].rpartition("/")[2]], depth)
        if schema.get("nullable") and self._chance.random() < 0.2:
            return None
        for union in ("oneOf", "anyOf"):
            if union in schema:
                return self.made(self._chance.choice(schema[union]), depth)
        if "allOf" in schema:
            made = [self.made(one, depth) for one in schema["allOf"]]
            return {k: v for one in made for k, v in one.items()} if isinstance(made[-1], dict) else made[-1]
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        return self._typed(schema, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                least = schema.get("minItems", 0)
                count = self._chance.randint(least, max(least, 0 if depth > DEEPEST else 2))
                return [self.made(schema.get("items", {}), depth + 1) for _ in range(count)]
            case "boolean":
                return self._chance.random() < 0.5
            case "integer":
                return self._chance.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 40)))
            case "number":
                return round(self._chance.uniform(schema.get("minimum", -3), schema.get("maximum", 3)), 2)
            case "null":
                return None
            case _:
                return self._chance.choice(TEXTS)[: schema.get("maxLength", 70)]

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        needed = schema.get("required", ())
        often = 0.0 if depth > DEEPEST else 0.25
        known = schema.get("properties", {})
        return {
            name: self._named(name, one, depth)
            for name, one in known.items()
            if name in needed or self._chance.random() < often
        }

    def _named(self, name: str, schema: Mapping[str, Any], depth: int) -> Any:
        """Names have a form that the description tells in words alone."""
        if name == "name" and schema.get("type") == "string":
            return self._chance.choice(NAMES)
        return self.made(schema, depth + 1)

    def spoiled(self, value: Any) -> Any:
        """The value with one thing in it that is not as it should be."""
        places: list[tuple[Any, Any]] = []
        holders = [value]
        while holders:
            holder = holders.pop()
            keys = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
            places += [(holder, key) for key in keys]
            holders += [holder[key] for key in keys]
        if places:
            holder, key = self._chance.choice(places)
            if self._chance.random() < 0.3:
                del holder[key]
            else:
                holder[key] = self._chance.choice(ODD)
        return value
