"""The faults that a drill can put in front of a target, and what may be expected of a chain under each.

What a fault does to a target differs: some feed its breaker, a rate limit makes it wait, a refused or spent key is
turned off, and slowness is no fault at all while it stays within the time that the configuration grants.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from proxy.drill import script
from proxy.drill.script import Script

Effect = Literal["breaker", "wait", "key", "none"]
"""What takes the target out: its breaker, the wait that it asked for, its key turned off; or nothing does."""

WORDS = 10
"""Pieces, about, in which a slow answer comes."""


class Severity(Struct, frozen=True):
    """Seconds that a fault's script depends on."""

    patience_s: float
    """The shortest silence that the target's timeouts allow."""
    retry_after_s: float


class Case(Struct, frozen=True):
    name: str
    about: str
    """What the target does, as a clause without a subject."""
    script: Callable[[Severity], Script]
    effect: Effect = "breaker"
    silent: bool = False
    """The proxy learns of it only by a timeout."""
    breaks: bool = False
    """Streams break after their first content, when nothing can be done but to say so."""


def _slow(severity: Severity) -> Script:
    return script.ok(first_s=0.4 * severity.patience_s, every_s=0.2 * severity.patience_s / WORDS)


_CASES = (
    Case(
        "429",
        "asks for a wait (429 with Retry-After)",
        lambda one: script.status(429, retry_after_ms=round(one.retry_after_s * 1000)),
        effect="wait",
    ),
    Case("500", "fails on its side (500)", lambda _: script.status(500)),
    Case("503", "is not available (503)", lambda _: script.status(503)),
    Case("529", "is overloaded (529)", lambda _: script.status(529, "overloaded")),
    Case("quota", "says that the account is out of quota", lambda _: script.status(429, "spend_limit"), effect="key"),
    Case("auth", "does not accept the key (401)", lambda _: script.status(401), effect="key"),
    Case("timeout", "takes requests and never answers", lambda _: script.silence(), silent=True),
    Case("stall", "falls silent in the middle of its answers", lambda _: script.stall(), silent=True, breaks=True),
    Case("cut", "cuts the connection in the middle of its answers", lambda _: script.cut(), breaks=True),
    Case("truncate", "ends its answers early, as if they were whole", lambda _: script.truncated(1), breaks=True),
    Case("refuse", "refuses connections", lambda _: script.refuse()),
    Case("garbage", "answers with a page of HTML", lambda _: script.html()),
    Case("slow", "answers late and slowly, within the time it has", _slow, effect="none"),
)
CASES: Mapping[str, Case] = {case.name: case for case in _CASES}
"""By the name that `--fault` takes."""
USUAL = "503"
