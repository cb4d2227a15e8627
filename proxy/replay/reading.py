"""Reads recordings: the exchanges in the order in which they began, and what could not be read.

What a killed process left is a line that breaks off: it is told and passed over, as is any other that is no exchange.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from proxy.recording.form import Line
from proxy.recording.recorder import ROUTES


class Recording(Struct, frozen=True):
    lines: tuple[Line, ...]
    problems: tuple[str, ...]
    """Lines that were passed over, each with its place and the reason; and what is missing."""


def read(paths: Iterable[str]) -> Recording:
    """All exchanges of the files. Raises OSError."""
    lines: list[Line] = []
    problems: list[str] = []
    for path in paths:
        with Path(path).open("rb") as file:
            for number, raw in enumerate(file, 1):
                found = _line(raw)
                if isinstance(found, Line):
                    lines.append(found)
                elif found:
                    problems.append(f"{path}:{number}: {found}")
    lines.sort(key=lambda line: line.at)
    problems += _missing(lines)
    return Recording(tuple(lines), tuple(problems))


def _line(raw: bytes) -> Line | str:
    """The exchange, or why it is none; empty for an empty line."""
    if not raw.strip():
        return ""
    try:
        line = msgspec.json.decode(raw, type=Line)
    except msgspec.DecodeError as error:
        if raw.startswith(b"{") and not raw.rstrip().endswith(b"}"):
            return "the line breaks off; the exchange is passed over"
        return f"is no exchange of a recording ({str(error)[:120]}); it is passed over"
    if line.endpoint not in ROUTES:
        return f'its endpoint "{line.endpoint[:40]}" is none that is recorded; it is passed over'
    if sum(line.chunk_lens) and any(len(call.chunk_lens) != len(call.chunk_ms) for call in line.calls):
        return "a call's chunk_lens and chunk_ms do not belong together; it is passed over"
    return line


def _missing(lines: list[Line]) -> list[str]:
    """Exchanges that the recorder lost while these were under way: what they did to breakers is not known."""
    lost = max((line.lost for line in lines), default=0) - min((line.lost for line in lines), default=0)
    return [f"{lost} exchanges between these could not be recorded"] if lost else []
