"""What a check found: one line of the doctor's report."""

from typing import Literal

from msgspec import Struct

Verdict = Literal["ok", "warn", "fail", "skip"]

CHECK_NAMES = ("dns", "tcp", "tls", "token", "key", "models", "clock", "chat", "stream", "embeddings")
"""The checks of a provider, in the order in which a request would meet what they look at."""


class Finding(Struct, frozen=True):
    subject: str
    """A provider's name, a target's, `this machine` or `configuration`."""
    check: str
    verdict: Verdict
    detail: str
    """A clause without secrets."""
    fix: str = ""
    """One sentence that says what to do, and where; empty where there is nothing to do."""
    ms: float | None = None
    """How long it took, in milliseconds."""


def good(subject: str, check: str, detail: str, ms: float | None = None) -> Finding:
    return Finding(subject, check, "ok", detail, "", ms)


def bad(subject: str, check: str, detail: str, fix: str, ms: float | None = None) -> Finding:
    return Finding(subject, check, "fail", detail, fix, ms)


def odd(subject: str, check: str, detail: str, fix: str, ms: float | None = None) -> Finding:
    """Something to know of that stops no request."""
    return Finding(subject, check, "warn", detail, fix, ms)


def left(subject: str, check: str, detail: str) -> Finding:
    """A check that was not made, or has nothing to look at."""
    return Finding(subject, check, "skip", detail)
