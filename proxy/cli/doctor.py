"""`sidestep doctor`: are the providers there, do they accept the keys, do they have the models?"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from proxy.cli.options import add_config, add_json, load

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.config.values import Config
    from proxy.doctor.findings import Finding

MARKS = {"ok": "ok", "warn": "warn", "fail": "FAIL", "skip": "-"}


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "doctor",
        help="ask every provider whether it would serve, and say what to do where not",
        description="Asks every provider of the configuration, all at once: its name, a connection, its certificate, "
        "whether it accepts each key, whether it has the models of the chains, and how far its clock is from ours; and "
        "this machine for the tokenizers' vocabularies and for the ledger that budgets are kept in. "
        "Costs nothing but with --chat. Exit code 0: nothing failed; 1: something did, each with what to do.",
    )
    parser.add_argument(
        "--chat",
        action="store_true",
        help="ask every target for an answer and a short stream too; what that may cost is said first",
    )
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    loaded = load(arguments.config, code=1)
    import asyncio  # noqa: PLC0415 - see the package's docstring

    from proxy.config.zero import no_failover  # noqa: PLC0415 - likewise

    warnings = [*loaded.warnings, *filter(None, [no_failover(loaded.config, os.environ)])]
    if arguments.chat:
        _say_cost(loaded.config)
    return asyncio.run(_examined(loaded.config, warnings, chat=arguments.chat, plain=arguments.json))


def _say_cost(config: "Config") -> None:
    from proxy.doctor.examine import talks  # noqa: PLC0415 - see the package's docstring
    from proxy.doctor.talk import cost  # noqa: PLC0415 - likewise

    print(f"sidestep: {cost(talks(config))}", file=sys.stderr, flush=True)


async def _examined(config: "Config", warnings: Sequence[str], *, chat: bool, plain: bool) -> int:
    """Prints before the loop ends, which may wait for a look-up that nobody waits for any more."""
    from proxy.clock import SystemClock  # noqa: PLC0415 - see the package's docstring
    from proxy.doctor.examine import examine  # noqa: PLC0415 - likewise

    found = await examine(config, warnings, SystemClock(), chat=chat)
    if plain:
        import json  # noqa: PLC0415 - likewise

        print(json.dumps(report(config.source, found), indent=2), flush=True)
    else:
        print("\n".join(lines(found)), flush=True)
    return 1 if failures(found) else 0


def failures(found: "Sequence[Finding]") -> int:
    return sum(finding.verdict == "fail" for finding in found)


def report(source: str, found: "Sequence[Finding]") -> dict[str, Any]:
    """The findings in JSON's terms."""
    from msgspec import structs  # noqa: PLC0415 - see the package's docstring

    return {"source": source, "ok": not failures(found), "findings": [structs.asdict(finding) for finding in found]}


def lines(found: "Sequence[Finding]") -> Iterator[str]:
    """The findings as text, those of a subject together."""
    width = max(len(finding.check) for finding in found)
    for subject, group in groupby(found, key=lambda finding: finding.subject):
        yield subject
        for finding in group:
            took = "" if finding.ms is None else f"  {finding.ms:.0f} ms"
            yield f"  {MARKS[finding.verdict]:4}  {finding.check:{width}}  {finding.detail}{took}"
            if finding.fix:
                yield f"  {'':4}  {'':{width}}  -> {finding.fix}"
    yield ""
    yield summary(found)


def summary(found: "Sequence[Finding]") -> str:
    failed, warned = failures(found), sum(finding.verdict == "warn" for finding in found)
    made = sum(finding.verdict != "skip" for finding in found)
    more = f", {warned} to know of" if warned else ""
    return f"{failed} of {made} checks failed{more}" if failed else f"all is well: {made} checks{more}"
