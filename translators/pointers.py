"""References inside a JSON Schema that lead anywhere in it, as makers of schemas from types write them.

`#/properties/a/items` is as good a reference as `#/$defs/A` (RFC 6901, and JSON Schema's core), but vendors know the
latter alone. So what is pointed to becomes a definition.
"""

from collections.abc import Mapping
from urllib.parse import unquote

from translators.ir import Json

HOPS = 16
"""Most references followed from one to the next."""


def pointed(root: Mapping[str, Json], ref: str) -> dict[str, Json] | None:
    """The schema node that `ref` leads to within `root`; None for one that leads nowhere, out of it, or in a circle."""
    node: Json = {"$ref": ref}
    for _ in range(HOPS):
        if not isinstance(node, dict):
            return None
        further = node.get("$ref")
        if not isinstance(further, str) or len(node) > 1:
            return node
        node = _at(root, further)
    return None


def _at(root: Mapping[str, Json], ref: str) -> Json:
    if not ref.startswith("#/"):
        return None
    node: Json = root
    for token in unquote(ref[2:]).split("/"):
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(name)
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return node


class Definitions:
    """What the references of one schema name: its own definitions, and whatever else they point to."""

    __slots__ = ("_found", "_root", "waiting")

    def __init__(self, root: Mapping[str, Json]) -> None:
        self._root = root
        self._found: dict[str, str] = {}
        self.waiting: list[tuple[str, dict[str, Json]]] = []
        """Names and nodes that are yet to be written among the definitions."""

    def named(self, ref: str) -> str | None:
        """A name under which what `ref` points to will be among the definitions; None where it is nothing."""
        if ref not in self._found:
            node = pointed(self._root, ref)
            if node is None:
                return None
            self._found[ref] = name = self._unused()
            self.waiting.append((name, node))
        return self._found[ref]

    def _unused(self) -> str:
        taken = {name for key in ("$defs", "definitions") for name in self._root.get(key) or ()}
        taken.update(self._found.values())
        number = len(self._found) + 1
        while f"ref_{number}" in taken:
            number += 1
        return f"ref_{number}"
