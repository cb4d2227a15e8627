"""All recorded exchanges across all pairs: prints the table that stands in `docs/translation.md`.

`SIDESTEP_RECORDED=FOLDER python -m tests.recorded [--write]`; with `--write` the table is put into the document. Exits
with 1 where anything is wrong that has no known reason.
"""

import sys
from collections import Counter
from pathlib import Path

from tests.recorded import exchanges, matrix
from translators.catalog import DIALECTS, PROVIDERS

PAGE = Path(__file__).parents[2] / "docs" / "translation.md"
MARKS = "<!-- recorded: begin -->", "<!-- recorded: end -->"


def percent(tally):
    if not tally.cases:
        return "-"
    share = 100 * tally.right / tally.cases
    return f"{tally.right}/{tally.cases} ({'100' if share == 100 else f'{share:.1f}'}%)"


def table(corner, rows, columns, cells):
    yield f"| {corner} | {' | '.join(columns)} |"
    yield "|---|" + "---|" * len(columns)
    for row in rows:
        yield f"| {row} | {' | '.join(percent(cells[row, column]) for column in columns)} |"


def listed(tallies, name):
    counts = Counter()
    for tally in tallies:
        counts.update({why: len(set(ids)) for why, ids in getattr(tally, name).items()})
    return [f"- {why}: {count}" for why, count in sorted(counts.items())]


def report():
    """The lines of the document, and what is wrong, pair by pair."""
    asked = {(one, other): matrix.requests_in(other, one) for one, other in matrix.REQUEST_PAIRS}
    said = {(one, other): matrix.answers_in(other, one) for one, other in matrix.ANSWER_PAIRS}
    cut = {(one, "any cut"): matrix.cuts_in(one) for one in PROVIDERS}
    lines = ["Requests, client's dialect down, provider's across:", ""]
    lines += table("client", DIALECTS, PROVIDERS, asked)
    lines += ["", "Answers, provider's dialect down, client's across:", ""]
    lines += table("provider", PROVIDERS, DIALECTS, said)
    lines += ["", "Streams that are the same events however their bytes are cut:", ""]
    lines += table("provider", PROVIDERS, ["any cut"], cut)
    tallies = [*asked.values(), *said.values(), *cut.values()]
    lines += ["", "The exceptions, each counted once for every pair it stands in:", "", *listed(tallies, "known")]
    lines += ["", "No cases, and so not counted above:", "", *listed(tallies, "apart")]
    wrong = {
        f"{one} -> {other}: {name}": why
        for cells in (asked, said, cut)
        for (one, other), tally in cells.items()
        for name, why in tally.wrong.items()
    }
    return lines, wrong


def main():
    if not exchanges.exchanges():
        sys.exit("SIDESTEP_RECORDED names no folder of recorded traffic")
    lines, wrong = report()
    print("\n".join(lines))
    for place, why in wrong.items():
        print(f"{place}: {why}", file=sys.stderr)
    if "--write" in sys.argv[1:]:
        before, _, rest = PAGE.read_text().partition(MARKS[0])
        _, _, after = rest.partition(MARKS[1])
        PAGE.write_text("\n".join([before + MARKS[0], "", *lines, "", MARKS[1] + after]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
