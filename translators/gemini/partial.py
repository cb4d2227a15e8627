"""Function arguments that Vertex AI streams in pieces, put together.

Each piece names a place by a JSON path (`$.rows[0].name`, `$['a b']`) and gives a value for it; the pieces of one text
come one after another under the same path while `willContinue` is true. Source: Google's Vertex AI page on streaming
function call arguments, and recorded streams.
"""

import itertools
import re
from typing import Any

import orjson
from msgspec import Struct

from translators.faults import ProtocolFault
from translators.ir import Json

DEPTH = 64
"""Most steps of a path."""
PIECES = 100_000
"""Most pieces of one call."""
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]")


class WirePartial(Struct, gc=False, rename="camel"):
    """One entry of `partialArgs`."""

    json_path: str = ""
    string_value: str | None = None
    number_value: int | float | None = None
    bool_value: bool | None = None
    will_continue: bool | None = None

    def value(self) -> Json:
        """The value given; None stands for `nullValue` and for nothing."""
        if self.string_value is not None:
            return self.string_value
        return self.bool_value if self.bool_value is not None else self.number_value


class Assembly:
    """The arguments of one call as far as they have come."""

    __slots__ = ("_open", "_pieces", "_text", "_value")

    def __init__(self) -> None:
        self._value: Json = {}
        self._open: str | None = None
        """Path of a text that goes on."""
        self._text: list[str] = []
        self._pieces = 0

    def add(self, piece: WirePartial) -> None:
        """Raises ProtocolFault for a path that leads nowhere."""
        self._pieces += 1
        if self._pieces > PIECES:
            raise ProtocolFault("its stream has a call with too many pieces")
        value = piece.value()
        if not isinstance(value, str):
            self._end_text()
            self._set(piece.json_path, value)
            return
        if self._open != piece.json_path:
            self._end_text()
            self._open = piece.json_path
        self._text.append(value)
        if not piece.will_continue:
            self._end_text()

    def whole(self) -> str:
        """The arguments as JSON text."""
        self._end_text()
        return orjson.dumps(self._value).decode()

    def cut(self) -> str:
        """The same where the answer was cut: JSON without its end, so that nobody takes it for whole."""
        return self.whole().rstrip('"}]')

    def _end_text(self) -> None:
        if self._open is not None:
            self._set(self._open, "".join(self._text))
            self._open = None
            self._text.clear()

    def _set(self, path: str, value: Json) -> None:
        steps = _steps(path)
        holder: Any = self._value
        for step, following in itertools.pairwise(steps):
            holder = _entered(holder, step, [] if isinstance(following, int) else {})
        _put(holder, steps[-1], value)


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    at = int(path.startswith("$"))
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or len(steps) >= DEPTH:
            raise _lost()
        name, number, single, double = match.groups()
        steps.append(int(number) if number is not None else name or single or double or "")
        at = match.end()
    if not steps:
        raise _lost()
    return steps


def _entered(holder: Any, step: str | int, fresh: Json) -> Any:
    """The value at `step`, made if there is none."""
    if isinstance(holder, list) and isinstance(step, int) and step < len(holder):
        return holder[step]
    if isinstance(holder, dict) and isinstance(step, str) and step in holder:
        return holder[step]
    _put(holder, step, fresh)
    return fresh


def _put(holder: Any, step: str | int, value: Json) -> None:
    if isinstance(holder, dict) and isinstance(step, str):
        holder[step] = value
    elif isinstance(holder, list) and isinstance(step, int) and step <= len(holder):
        holder[step : step + 1] = [value]
    else:
        raise _lost()


def _lost() -> ProtocolFault:
    return ProtocolFault("its stream has an argument at an impossible place")
