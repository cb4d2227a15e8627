"""Figures as a markdown table, with their bars, and the marked section of the document that keeps them.

Bars of speed are told twice: as they are, and as they would be on this machine, whose bare server is so much slower or
faster than that of the machine the bars were set on. Rates are scaled by what it answers in a second; times by what it
answers in a second of the processor, since neighbours take a share of every rate and hardly lengthen a time. Both
verdicts are printed; the exit code follows the bar as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
RAW_PER_S = 57_000
"""Answers a second of the bare server on the machine that the bars were set on."""
VERDICTS = {None: "", True: "pass", False: "**FAIL**"}


@dataclass(frozen=True, slots=True)
class Speed:
    """What the bare server answers, as shares of what it did where the bars were set."""

    second: float
    """In a second."""
    processor: float
    """In a second of the processor."""


SET = Speed(1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of speed. `of` a rate it is the least, `of` a time the most. `text` has `{}` for the limit; `also` is
    whether what else the bar asks for holds."""

    of: Literal["rate", "time"]
    limit: float
    measured: float
    text: str
    also: bool = True

    def _limit(self, speed: Speed) -> float:
        return self.limit * speed.second if self.of == "rate" else self.limit / speed.processor

    def told(self, speed: Speed = SET) -> str:
        """The bar on a machine of that speed."""
        return self.text.format(self._limit(speed))

    def passed(self, speed: Speed = SET) -> bool:
        limit = self._limit(speed)
        return self.also and (self.measured >= limit if self.of == "rate" else self.measured <= limit)


@dataclass(frozen=True, slots=True)
class Row:
    figure: str
    value: str
    bar: str | Bar = ""
    """Text where it is one that no machine's speed changes."""
    passed: bool | None = None
    """Of a bar that is text; None where there is no bar."""

    @property
    def verdict(self) -> bool | None:
        return self.bar.passed() if isinstance(self.bar, Bar) else self.passed

    def cells(self, speed: Speed) -> list[str]:
        if isinstance(self.bar, Bar):
            here = [self.bar.told(speed), VERDICTS[self.bar.passed(speed)]]
            return [self.figure, self.value, self.bar.told(), VERDICTS[self.verdict], *here]
        return [self.figure, self.value, self.bar, VERDICTS[self.verdict], "", ""]


def unmeasured(figure: str, error: Exception) -> Row:
    """A failed row with the reason."""
    told = str(error) or type(error).__name__
    return Row(figure, f"not measured: {told}"[:300].replace("\n", " "), "", passed=False)


def table(rows: Sequence[Row], speed: Speed) -> str:
    lines = [
        "| figure | measured | bar | verdict | bar at this machine's speed | verdict at it |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(row.cells(speed))} |" for row in rows)])


def section(rows: Sequence[Row], about: Sequence[str], speed: Speed) -> str:
    """The table with what it depends on."""
    told = f"Speed: the bare server answers up to {speed.second * RAW_PER_S:,.0f} in a second here and "
    told += f"{speed.processor * RAW_PER_S:,.0f} in a second of the processor, {speed.second:.2f} and "
    told += f"{speed.processor:.2f} of the {RAW_PER_S:,} of the machine that the bars were set on"
    return "\n".join([*(f"- {line}" for line in (*about, told)), "", table(rows, speed), ""])


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
