"""`sidestep usage`: what was used, by whom, at what cost; and `sidestep usage export`: every request of it.

Both read where the configuration keeps records, whether a proxy is running or not. Nothing else of the configuration is
looked at, so no provider's key is needed.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from proxy.cli.options import Stop, add_config, add_json, refusal
from proxy.cli.tables import printable, table

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.usage.sink import Source
    from proxy.usage.summary import Figures, Summary

BY = ("client", "team", "user", "task", "model", "provider", "day", "hour")
"""`proxy.usage.summary.KEYS`, in their order."""
FORMATS = ("csv", "jsonl")
MOST = 10_000
"""Rows of a table."""
NONE = "-"
COUNTS = {
    "input": "input",
    "cached": "cached",
    "written": "cache_write",
    "for 1h": "cache_write_1h",
    "sound": "audio_in",
    "output": "output",
    "thinking": "reasoning",
    "spoken": "audio_out",
    "searches": "searches",
}
"""Columns of counts, by what they are called in the sums."""
SELDOM = ("for 1h", "sound", "spoken", "searches")
"""Of these the ones that are shown where there were any."""
ALL = "all"
_WHEN = "a day (2026-11-01), a time (2026-11-01T09:30, UTC), or how long ago (90m, 24h, 7d)"


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "usage",
        help="tell what was used, by whom, at what cost",
        description="Sums up the records of usage that [ledger] keeps: requests, tokens, cost in dollars, the part "
        "that succeeded, and how long the successes took. `sidestep usage export` gives every request of them.",
    )
    add_span(parser)
    parser.add_argument("--by", metavar="KEYS", default="", help=f"of each: {','.join(BY)}; several with commas")
    add_json(parser)
    parser.set_defaults(run=run)
    export = parser.add_subparsers(metavar="export").add_parser(
        "export",
        help="every record, a line each",
        description="Prints every record of usage, the oldest first: a line each, costs in exact decimal dollars.",
        argument_default=argparse.SUPPRESS,
    )
    add_span(export)
    export.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="how (default: csv)")
    export.add_argument("--scores", action="store_true", help="the scores that people gave, instead of the records")
    export.set_defaults(run=run_export)


def add_span(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--here", action="store_true", help="from the file of this machine, where [ledger] names one beside Redis"
    )
    parser.add_argument("--since", metavar="WHEN", help=f"from then on: {_WHEN}")
    parser.add_argument("--until", metavar="WHEN", help="and before then")


def run(arguments: argparse.Namespace) -> int:
    from proxy.usage.sink import Unread  # noqa: PLC0415 - see the package's docstring
    from proxy.usage.summary import summed  # noqa: PLC0415 - likewise

    by = _by(arguments.by)
    since, until = span_of(arguments)
    try:
        source = source_of(arguments)
        found = summed(source, by, since, until, most=MOST)
    except Unread as error:
        raise Stop(str(error)) from None
    if arguments.json:
        import json  # noqa: PLC0415 - see the package's docstring

        from proxy.usage.telling import plain  # noqa: PLC0415 - likewise

        print(json.dumps(plain(found, source.place, since, until), indent=2))
    else:
        print("\n".join(lines(found, source.place)))
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    from proxy.usage.export import exported, exported_scores  # noqa: PLC0415 - see the package's docstring
    from proxy.usage.sink import Unread  # noqa: PLC0415 - likewise

    since, until = span_of(arguments)
    try:
        source = source_of(arguments)
        if getattr(arguments, "scores", False):
            lines_of = exported_scores(source.scores(since, until), arguments.format)
        else:
            lines_of = exported(source.records(since, until), arguments.format)
        for line in lines_of:
            print(line)
    except Unread as error:
        raise Stop(str(error)) from None
    return 0


def _by(text: str) -> tuple[str, ...]:
    by = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in by:
        if name not in BY:
            raise Stop(f"--by: {name[:40]} is not known; known: {', '.join(BY)}", code=2)
    return tuple(dict.fromkeys(by))


def span_of(arguments: argparse.Namespace) -> tuple[float | None, float | None]:
    from proxy.clock import SystemClock  # noqa: PLC0415 - see the package's docstring
    from proxy.usage.moments import moment  # noqa: PLC0415 - likewise

    now = SystemClock().wall()
    found = []
    for name in ("since", "until"):
        text = getattr(arguments, name, None)
        try:
            found.append(None if text is None else moment(text, now))
        except ValueError as error:
            raise Stop(f"--{name} {error}", code=2) from None
    return found[0], found[1]


def source_of(arguments: argparse.Namespace) -> "Source":
    """Raises Unread where none are kept."""
    from proxy.config.errors import ConfigErrors  # noqa: PLC0415 - see the package's docstring
    from proxy.config.load import load_ledger  # noqa: PLC0415 - likewise
    from proxy.usage.sources import source_for  # noqa: PLC0415 - likewise

    try:
        settings = load_ledger(getattr(arguments, "config", None), os.environ)
    except ConfigErrors as error:
        raise refusal(error) from None
    return source_for(settings, here=getattr(arguments, "here", False))


def lines(found: "Summary", place: str) -> Iterator[str]:
    """The sums as a table."""
    yield f"usage kept in {place}"
    yield ""
    if not found.whole.requests:
        yield "no requests in this time"
        return
    keys = len(found.by)
    counts = [name for name, kind in COUNTS.items() if name not in SELDOM or getattr(found.whole, kind)]
    rows: list[Sequence[str]] = [(*found.by, "requests", "success", *counts, "usd", "p50", "p95")]
    rows += [(*map(shown_name, row.names), *_cells(row.figures, counts)) for row in found.rows]
    if not keys or len(found.rows) > 1:
        rows.append((*[ALL, *[""] * keys][:keys], *_cells(found.whole, counts)))
    yield from table(rows, keys)
    yield from _notes(found)


def _notes(found: "Summary") -> Iterator[str]:
    whole = found.whole
    notes = []
    if found.more:
        notes.append(f"only the first {MOST} rows are shown, and all of it is summed up")
    if whole.unpriced:
        notes.append(f"{whole.unpriced} of the requests have no known price, and are not in the dollars")
    if whole.estimated:
        notes.append(f"the tokens of {whole.estimated} are estimates: their providers did not say")
    if whole.cancelled:
        notes.append(f"{whole.cancelled} were left by their clients, and are no failures")
    if notes:
        yield ""
        yield from notes


def shown_name(name: str) -> str:
    """What a client chose must not play with a terminal."""
    return printable(name) or NONE


def _cells(figures: "Figures", counts: "Sequence[str]") -> tuple[str, ...]:
    from proxy.config.spending import dollars  # noqa: PLC0415 - see the package's docstring

    ratio = figures.success_ratio
    return (
        str(figures.requests),
        NONE if ratio is None else f"{ratio:.1%}",
        *(NONE if (count := getattr(figures, COUNTS[name])) is None else str(count) for name in counts),
        NONE if figures.cost is None else dollars(figures.cost),
        _ms(figures.p50_ms),
        _ms(figures.p95_ms),
    )


def _ms(ms: int | None) -> str:
    if ms is None:
        return NONE
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms} ms"
