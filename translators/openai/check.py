"""Checks of a client's request: small functions that return the value or say what is wrong with it.

Paths are relative and grow on the way out (`under`), so that nothing is formatted while all is well.
"""

from typing import NoReturn

from translators.faults import Malformed
from translators.ir import Json

STRINGS_CAP = 4096
"""More would keep everybody waiting while each is looked at; no vendor takes a hundred."""


class Wrong(Exception):
    """The value at `path` is not what the dialect allows; `problem` completes the sentence "`path` ..."."""

    def __init__(self, path: str, problem: str, code: str = "invalid_type") -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.code = code

    def under(self, prefix: str) -> "Wrong":
        """The same seen from further out."""
        joint = "" if not self.path or self.path.startswith("[") else "."
        return Wrong(f"{prefix}{joint}{self.path}", self.problem, self.code)

    def malformed(self) -> Malformed:
        subject = f"'{self.path}'" if self.path else "The request body"
        return Malformed(f"{subject} {self.problem}.", param=self.path or None, code=self.code)


def fail(path: str, problem: str, code: str = "invalid_value") -> NoReturn:
    raise Wrong(path, problem, code)


def string(value: Json, path: str) -> str:
    if isinstance(value, str):
        return value
    raise Wrong(path, f"must be a string, and it is {kind(value)}")


def filled(value: Json, path: str) -> str:
    text = string(value, path)
    if text:
        return text
    raise Wrong(path, "must not be empty", "invalid_value")


def obj(value: Json, path: str) -> dict[str, Json]:
    if isinstance(value, dict):
        return value
    raise Wrong(path, f"must be an object, and it is {kind(value)}")


def array(value: Json, path: str) -> list[Json]:
    if isinstance(value, list):
        return value
    raise Wrong(path, f"must be an array, and it is {kind(value)}")


def boolean(value: Json, path: str) -> bool:
    if isinstance(value, bool):
        return value
    raise Wrong(path, f"must be true or false, and it is {kind(value)}")


def integer(value: Json, path: str, least: int | None = None, most: int | None = None) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Wrong(path, f"must be an integer, and it is {kind(value)}")
    if least is not None and value < least:
        raise Wrong(path, f"must be at least {least}", "integer_below_min_value")
    if most is not None and value > most:
        raise Wrong(path, f"must be at most {most}", "integer_above_max_value")
    return value


def number(value: Json, path: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise Wrong(path, f"must be a number, and it is {kind(value)}")


def strings(value: Json, path: str) -> tuple[str, ...]:
    if len(array(value, path)) > STRINGS_CAP:
        raise Wrong(path, f"holds more than {STRINGS_CAP} strings", "array_above_max_length")
    return tuple(string(one, f"{path}[{i}]") for i, one in enumerate(array(value, path)))


def kind(value: Json) -> str:
    """The JSON type of a value, for a sentence."""
    if value is None:
        return "null or missing"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
