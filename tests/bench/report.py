"""Figures as a markdown table, with their bars, and the marked section of the document that keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


@dataclass(frozen=True, slots=True)
class Row:
    figure: str
    value: str
    bar: str = ""
    passed: bool | None = None
    """None where there is no bar."""


def table(rows: Sequence[Row]) -> str:
    lines = ["| figure | measured | bar | |", "|---|---|---|---|"]
    verdicts = {None: "", True: "pass", False: "**FAIL**"}
    return "\n".join(
        [*lines, *(f"| {row.figure} | {row.value} | {row.bar} | {verdicts[row.passed]} |" for row in rows)]
    )


def section(rows: Sequence[Row], about: Sequence[str]) -> str:
    """The table with what it depends on."""
    return "\n".join([*(f"- {line}" for line in about), "", table(rows), ""])


def write(path: Path, text: str) -> None:
    """Puts `text` between the marks in `path`, which are added at its end where they are missing."""
    old = path.read_text() if path.exists() else "# Performance\n"
    if BEGIN not in old:
        old = f"{old.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, rest = old.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
