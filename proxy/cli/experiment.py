"""`sidestep experiment report`: what the records say of an experiment's arms, and whether that decides anything.

Like `sidestep usage` it reads where the configuration keeps records, whether a proxy is running or not.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from proxy.cli.options import Stop, add_json
from proxy.cli.tables import table
from proxy.cli.usage import NONE, add_span, shown_name, source_of, span_of

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.learning.experiments import Arm, Measured, Report

HEAD = ("arm", "requests", "success", "mean", "p50", "p95", "usd", "quality", "of")


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "experiment",
        help="tell what an experiment has shown",
        description="What the records of usage say of experiments ([experiments.NAME]).",
    )
    actions = parser.add_subparsers(metavar="report", required=True)
    report = actions.add_parser(
        "report",
        help="each arm's figures, and whether they decide anything",
        description="Tells of each arm of an experiment how many requests it had, how many succeeded, how long they "
        "took, what they cost and how good they were, with 95% intervals; and says where the data do not decide. "
        "Without a name, of every experiment that has records.",
    )
    report.add_argument("name", metavar="NAME", nargs="?", help="the experiment (default: all that have records)")
    add_span(report)
    add_json(report)
    report.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from proxy.learning.experiments import plain  # noqa: PLC0415 - see the package's docstring

    found, place = _reports(arguments)
    if arguments.json:
        import json  # noqa: PLC0415 - likewise

        print(json.dumps({"place": place, "experiments": [plain(one) for one in found]}, indent=2))
    else:
        print("\n".join(lines(found, place)))
    return 0


def _reports(arguments: argparse.Namespace) -> "tuple[list[Report], str]":
    from proxy.clock import SystemClock  # noqa: PLC0415 - see the package's docstring
    from proxy.learning.experiments import report  # noqa: PLC0415 - likewise
    from proxy.usage.fares import experiments, fares  # noqa: PLC0415 - likewise
    from proxy.usage.sink import Unread  # noqa: PLC0415 - likewise
    from proxy.usage.summary import database_of  # noqa: PLC0415 - likewise

    since, until = span_of(arguments)
    span = (float("-inf") if since is None else since, float("inf") if until is None else until)
    now = SystemClock().wall()
    try:
        source = source_of(arguments)
        with database_of(source, since, until, scores=True) as database:
            known = experiments(database, span)
            if arguments.name is not None and arguments.name not in known:
                told = f"known: {', '.join(map(shown_name, known))}" if known else "no experiment has any in this time"
                raise Stop(f"no records of the experiment {shown_name(arguments.name[:64])}; {told}")
            names = known if arguments.name is None else [arguments.name]
            found = [report(name, fares(database, ("arm",), span, now=now, experiment=name)) for name in names]
    except Unread as error:
        raise Stop(str(error)) from None
    return found, source.place


def lines(found: "Sequence[Report]", place: str) -> Iterator[str]:
    """What was found, as tables with sentences below them."""
    yield f"usage kept in {place}"
    if not found:
        yield ""
        yield "no experiment has records in this time"
    for one in found:
        yield ""
        yield f"experiment {shown_name(one.experiment)}, with {one.confidence:.0%} intervals"
        yield ""
        yield from table([HEAD, *(_row(arm) for arm in one.arms)], names=1)
        yield ""
        yield from (shown_name(finding.told) for finding in one.findings)


def _row(arm: "Arm") -> tuple[str, ...]:
    from proxy.config.spending import shown_dollars  # noqa: PLC0415 - see the package's docstring

    return (
        shown_name(arm.name),
        str(arm.requests),
        _told(arm.success, "{:.1%}".format),
        _told(arm.latency, "{:.0f}".format, " ms"),
        NONE if arm.p50_ms is None else f"{arm.p50_ms} ms",
        NONE if arm.p95_ms is None else f"{arm.p95_ms} ms",
        _told(arm.cost, shown_dollars),
        _told(arm.quality, "{:.3f}".format),
        str(arm.quality.samples),
    )


def _told(measured: "Measured", form: Callable[[float], str], unit: str = "") -> str:
    if measured.value is None:
        return NONE
    value = form(measured.value)
    if measured.interval is None:
        return f"{value}{unit}"
    return f"{value}{unit} ({form(measured.interval.low)} to {form(measured.interval.high)})"
