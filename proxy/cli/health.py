"""`sidestep health`: how the targets of a running proxy fare, what keeps them from being called, and when that ends."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from proxy.cli.options import add_json
from proxy.cli.state import add_running, live
from proxy.cli.watching import watch

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.routing.live import Live, LiveProbe, LiveTarget, LiveTimes

EVERY_S = 2.0
"""Between two looks of --watch."""
HEAD = ("target", "success", "calls", "not ok", "p50", "p95", "first p50", "p95", "now")
NONE = "-"
_BECAUSE = {"open": "a breaker is open", "idle": "no request came"}


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "health",
        help="tell how the targets of a running proxy fare",
        description="Asks the admin port of a running proxy for every target of its chains: the part of its calls that "
        "it answered in the last five minutes, how long they took, what keeps it from being called now and for how "
        "long; and what the looks at its providers found, where [health] active has them looked at.",
    )
    add_running(parser)
    parser.add_argument("--watch", action="store_true", help=f"ask again every {EVERY_S:g} s until it is interrupted")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    def look() -> "Live":
        return live(arguments.admin, arguments.admin_token)

    def told(found: "Live") -> str:
        return _json(found, indent=None if arguments.watch else 2) if arguments.json else "\n".join(lines(found))

    found = look()
    if arguments.watch:
        watch(found, look, told, EVERY_S, plain=arguments.json)
    print(told(found))
    return 0


def _json(found: "Live", indent: int | None) -> str:
    import json  # noqa: PLC0415 - see the package's docstring

    from msgspec import structs, to_builtins  # noqa: PLC0415 - likewise

    from proxy.routing.live import stood  # noqa: PLC0415 - likewise

    plain: dict[str, Any] = to_builtins(structs.replace(found, targets=[]))
    for one in found.targets:
        row = to_builtins(one) | {"blocked": stood(one, found.providers.get(one.provider)).blocked or None}
        del row["course"]  # `/state` tells none
        plain["targets"].append(row)
    return json.dumps(plain, indent=indent)


def lines(found: "Live") -> Iterator[str]:
    """The state as text."""
    from proxy.routing.live import in_order  # noqa: PLC0415 - see the package's docstring

    yield f"configured by {found.source}; calls of the last five minutes"
    yield ""
    rows = [_row(one, found, called=called) for one, called in in_order(found)]
    if rows:
        yield from table([HEAD, *rows])
    else:
        yield "no target has been called yet"
    keys = list(_keys(found))
    if keys:
        yield from ("", "keys", *keys)
    if found.probes:
        yield from ("", "looks at providers")
        yield from table([look_of(name, probe) for name, probe in found.probes.items()], indent="  ")


def table(rows: Sequence[Sequence[str]], indent: str = "") -> Iterator[str]:
    """The last cell of a row takes what it needs."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield f"{indent}{'  '.join([*cells, row[-1]])}".rstrip()


def _row(one: "LiveTarget", found: "Live", *, called: bool) -> tuple[str, ...]:
    health = one.health
    ratio = health.success_ratio
    return (
        one.target,
        NONE if ratio is None else f"{ratio:.1%}",
        str(sum(health.outcomes.values())),
        ", ".join(f"{count} {kind}" for kind, count in health.outcomes.items() if kind != "ok") or NONE,
        *times(health.latency_ms),
        *times(health.first_token_ms),
        _now(one, found, called=called),
    )


def times(times: "LiveTimes | None") -> tuple[str, str]:
    return (NONE, NONE) if times is None else (ms_of(times.p50), ms_of(times.p95))


def ms_of(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def _now(one: "LiveTarget", found: "Live", *, called: bool) -> str:
    """What keeps it from being called, and what else is to be known of it."""
    from proxy.routing.live import breaker_notes, forced_notes, stood  # noqa: PLC0415 - see the package's docstring

    stands = stood(one, found.providers.get(one.provider))
    told = [stands.blocked or ("free" if called else "not called yet"), *breaker_notes(one.breaker)]
    told += forced_notes(stands.forced_in_s)
    if one.in_flight:
        told.append(f"{one.in_flight} in flight")
    return "; ".join(told)


def _keys(found: "Live") -> Iterator[str]:
    """Those that are not in use."""
    from proxy.routing.live import told  # noqa: PLC0415 - see the package's docstring

    for name, keys in found.providers.items():
        yield from (f"  {name}  {told(key)}" for key in keys if not key.free)


def look_of(name: str, probe: "LiveProbe") -> tuple[str, str, str]:
    following = f"next in {probe.next_in_s:.0f} s"
    if probe.ago_s is None:
        return name, NONE, f"not looked at yet, {following}"
    state = {True: "up", False: "down", None: "unknown"}[probe.up]
    now = f"asked because {_BECAUSE.get(probe.asked_because or '', 'no request tells')}"
    told = now if probe.asked_because else "not asked now: requests tell"
    return name, state, f"{probe.why}, {probe.ago_s:.0f} s ago; {told}; {following}"
