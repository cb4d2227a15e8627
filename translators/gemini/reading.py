"""Fields of a client's request, read strictly. Each raises Malformed with the field's path."""

from typing import Any

import orjson

from translators.faults import Malformed
from translators.ir import Json


def wrong(path: str, wanted: str) -> Malformed:
    return Malformed(f"The field {path} must be {wanted}.", param=path)


def dumped(value: Json, path: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise wrong(path, "JSON of at most 250 levels") from None


def need(value: dict[str, Any], name: str, path: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise wrong(f"{path}.{name}", "a string that is not empty")
    return found


def member(body: dict[str, Json], name: str, path: str) -> dict[str, Json]:
    """An object, empty where there is none; `path` is that of `body`, with its dot."""
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise wrong(path + name, "an object")
    return value or {}


_WORDS: dict[Any, str] = {int: "a whole number", (int, float): "a number"}


def typed(config: dict[str, Json], name: str, kind: Any) -> Any:
    """The member of `generationConfig` if it has the type, None if it is absent. Whole numbers may be text, as JSON
    made from protocol buffers has long ones."""
    value = config.get(name)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is int and isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value[:20])
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    raise wrong(f"generationConfig.{name}", _WORDS[kind])


def strings(config: dict[str, Json], name: str) -> list[str]:
    values = config.get(name)
    if values is not None and not (isinstance(values, list) and all(isinstance(one, str) for one in values)):
        raise wrong(f"generationConfig.{name}", "a list of strings")
    return values or []
