"""Fields of a client's request, read strictly. Each raises Malformed with the field's path."""

from typing import Any

from translators.faults import Malformed
from translators.ir import Json


def wrong(path: str, wanted: str) -> Malformed:
    return Malformed(f"The field {path} must be {wanted}.", param=path)


def need(value: dict[str, Any], name: str, path: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise wrong(f"{path}.{name}", "a string")
    return found


_WORDS = {int: "a whole number", str: "a string", (int, float): "a number"}


def typed(body: dict[str, Any], name: str, kind: Any) -> Any:
    """The field if it has the type, None if it is absent. Raises Malformed."""
    value = body.get(name)
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    raise wrong(name, _WORDS[kind])


def listed(body: dict[str, Any], name: str) -> list[Json]:
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise wrong(name, "a list")
    return value or []


def strings(body: dict[str, Any], name: str) -> list[str]:
    values = listed(body, name)
    if not all(isinstance(one, str) for one in values):
        raise wrong(name, "a list of strings")
    return values


def cache_of(block: dict[str, Any]) -> dict[str, Json] | None:
    marker = block.get("cache_control")
    return marker if isinstance(marker, dict) else None
