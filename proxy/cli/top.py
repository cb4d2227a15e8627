"""`sidestep top`: the live page in a terminal. Where its output is no terminal, it looks once.

What clients and providers name is shown without the signs by which a terminal is told to do something.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from proxy.cli.health import NONE, look_of, ms_of, table, times
from proxy.cli.state import add_running, asked
from proxy.cli.tables import printable
from proxy.cli.watching import watch

if TYPE_CHECKING:
    from proxy.admin.overview import Choosing, Overview, Request, Row
    from proxy.budgets.shown import Balance
    from proxy.cli.options import Commands
    from proxy.routing.live import LiveSlot

EVERY_S: Final = 1.0
REQUESTS: Final = 20
"""Shown where nothing limits the height."""
LEAST: Final = 3
"""Requests that are shown in the lowest terminal."""
SLOTS: Final = 10
HEAD: Final = ("target", "breaker", "success", "calls", "last 5 min", "p50", "p95", "first p50", "p95", "now")
ASKED: Final = ("UTC", "told", "asked", "by", "took", "first", "tokens", "cost", "way")
TRY: Final = "no request yet; try: "
LEVELS: Final = " .:-=+*#"
BAR: Final = 20
RED, YELLOW, GREEN, BOLD, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[1m", "\x1b[0m"


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "top",
        help="show targets, budgets and the last requests of a running proxy, as they change",
        description="Shows what the live page of the admin port shows: every target with its breaker and its calls of "
        "the last five minutes, what is spent of each budget, the last requests with who was tried. It looks again "
        f"every {EVERY_S:g} s until it is interrupted; where its output is no terminal, once.",
    )
    add_running(parser)
    parser.add_argument("--once", action="store_true", help="look once")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import os  # noqa: PLC0415 - see the package's docstring
    import shutil  # noqa: PLC0415 - likewise
    import sys  # noqa: PLC0415 - likewise

    from proxy.admin.overview import read  # noqa: PLC0415 - likewise

    def look() -> "Overview":
        return asked(arguments.admin, arguments.admin_token, "/events", read)

    def told(found: "Overview") -> str:
        if not terminal:
            return "\n".join(lines(found))
        width, height = shutil.get_terminal_size()
        cut = [line if line.startswith(TRY) else line[:width] for line in lines(found, height)]
        return "\n".join(map(coloured, cut) if colour else cut)

    terminal = sys.stdout.isatty()
    colour = terminal and not os.environ.get("NO_COLOR")
    found = look()
    if terminal and not arguments.once:
        watch(found, look, told, EVERY_S, plain=False)
    print(told(found))
    return 0


def lines(found: "Overview", height: int = 0) -> Iterator[str]:
    """The picture as text, of at most so many lines where `height` is given and there is room for the least."""
    shown = [*_top(found)]
    room = max(LEAST, height - len(shown) - 4) if height else REQUESTS
    yield from shown
    yield ""
    if found.requests:
        yield from table([ASKED, *map(_request, found.requests[:room])])
    else:
        yield f"{TRY}{printable(found.example)}"


def _top(found: "Overview") -> Iterator[str]:
    facts = ["sidestep", found.version, f"up {found.uptime_s:.0f} s", f"{found.in_flight} in flight"]
    facts.append(f"configured by {printable(found.source)}")
    yield "  ".join([*facts, *(["shutting down"] if found.draining else [])])
    yield ""
    busiest = max((_calls(slot) for row in found.targets for slot in row.course), default=0)
    if found.targets:
        yield from table([HEAD, *(_row(row, int(found.slot), busiest) for row in found.targets)])
    else:
        yield "no chain is configured"
    if found.more:
        yield f"and {found.more} more, which sidestep health lists"
    if found.keys:
        yield from ("", *(f"key {printable(key)}" for key in found.keys))
    if found.probes:
        yield ""
        yield from table([("look", *map(printable, look_of(name, one))) for name, one in found.probes.items()])
    if found.strategy is not None and found.strategy.available_strategies:
        yield from ("", _strategy(found.strategy))
    if found.store not in {None, "ok"}:
        yield from ("", f"budgets: {printable(str(found.store))}")
    if found.budgets:
        yield ""
        yield from table([_budget(one) for one in found.budgets])


def _row(row: "Row", slot: int, busiest: int) -> tuple[str, ...]:
    health = row.health
    now = [row.blocked or ("free" if row.called else NONE), *row.notes]
    if row.in_flight:
        now.append(f"{row.in_flight} in flight")
    return (
        printable(row.target),
        _breaker(row),
        NONE if health.success_ratio is None else f"{health.success_ratio:.1%}",
        str(sum(health.outcomes.values())),
        f"[{_course(row.course, slot, busiest)}]",
        *times(health.latency_ms),
        *times(health.first_token_ms),
        printable("; ".join(now)),
    )


def _breaker(row: "Row") -> str:
    match row.breaker.state:
        case "OPEN":
            return "open"
        case "PROBE":
            return "half-open"
        case "RAMP":
            return f"back {row.breaker.ramp or 0:.0%}"
    return "closed" if row.called else "not called"


def _course(course: "Sequence[LiveSlot]", slot: int, busiest: int) -> str:
    """A sign for each half minute, the latest at the right; `!` where most calls were not answered."""
    by_number = {one.number: one for one in course}
    return "".join(_level(by_number.get(number), busiest) for number in range(slot - SLOTS + 1, slot + 1))


def _level(slot: "LiveSlot | None", busiest: int) -> str:
    if slot is None or not _calls(slot):
        return LEVELS[0]
    if slot.failed > slot.answered:
        return "!"
    return LEVELS[max(1, round(_calls(slot) / busiest * (len(LEVELS) - 1)))]


def _calls(slot: "LiveSlot") -> int:
    return slot.answered + slot.failed


def _budget(one: "Balance") -> tuple[str, ...]:
    whose = ", ".join(f"{name} {value}" for name, value in one.scope.items())
    full = min(BAR, int(one.fraction * BAR))
    return (
        "budget",
        printable(one.budget),
        printable(whose) or "all",
        f"[{'#' * full}{'.' * (BAR - full)}]",
        f"{one.fraction:.1%}",
        f"{one.spent} of {one.limit} {one.unit} a {one.window}, {one.mode}",
    )


def _request(one: "Request") -> tuple[str, ...]:
    from proxy.config.spending import shown_dollars  # noqa: PLC0415 - see the package's docstring

    way = [f"{tried.target} {tried.kind} {ms_of(tried.ms)}" for tried in one.attempts]
    way += [f"({passed.target} passed over: {passed.reason})" for passed in one.skipped]
    why = "" if one.choice is None else f"; {one.choice.reason}"
    return (
        one.time[11:19],
        f"{one.status or NONE}{f' {one.code}' if one.code else ''}",
        printable(one.asked or one.route),
        printable(f"{one.provider}/{one.model}" if one.model else one.provider) or NONE,
        ms_of(one.ms),
        NONE if one.first_token_ms is None else ms_of(one.first_token_ms),
        NONE if one.tokens_in is None and one.tokens_out is None else f"{one.tokens_in or 0}+{one.tokens_out or 0}",
        NONE if one.cost_usd is None else f"${shown_dollars(one.cost_usd)}",
        printable(f"{' > '.join(way) or NONE}{why}"),
    )


def _strategy(one: "Choosing") -> str:
    """What the live page says beside its switch, but for the note that nobody needs who cannot switch here."""
    split = f"; the experiment {one.experiment['name']} decides before it" if one.experiment else ""
    kept = "" if one.kept else "; it ends with this process"
    return printable(f"strategy {one.current_strategy or NONE} of {', '.join(one.available_strategies)}{split}{kept}")


_COLOURS: Final = {" open ": RED, " half-open ": YELLOW, " back ": YELLOW, " closed ": GREEN}


def coloured(line: str) -> str:
    """With the breaker's word in its colour, and heads in bold."""
    if line.startswith(("target ", "UTC ", "sidestep ")):
        return f"{BOLD}{line}{PLAIN}"
    word = next((word for word in _COLOURS if word in line), None)
    return line if word is None else line.replace(word, f"{_COLOURS[word]}{word}{PLAIN}", 1)
