"""How long an upstream asks to be left alone, read from an error's headers. The wall clock is passed in.

Sources, the first that gives a wait wins: `retry-after-ms`, `retry-after` (seconds or an HTTP date), then the vendor's
own reset of a dimension that is used up (remaining 0), the longest of them where several are.

Odd cases
- A zero is no wait: some servers send `retry-after-ms: 0` beside a true `retry-after`.
- A date is measured against the answer's own `date` where there is one, so that a wrong clock on either side cancels
  out; a date gone by is no wait.
- OpenAI and Groq write a reset as a duration (`6m0s`, `12ms`), Anthropic as an RFC 3339 time, OpenRouter as epoch
  milliseconds. Azure writes integers without a unit under OpenAI's names: they say nothing.
- `retry-after` also rides on good answers: only errors are read.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from proxy.flow import Headers

LONGEST_WAIT_S = 3600.0
"""A longer wait than this is a quota or a mistake, and is said in bodies, not here."""

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_DURATION = re.compile(
    r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6}(?:\.[0-9]{1,9})?)s)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)ms)?",
    re.ASCII,
)
_UNITS = (86_400.0, 3600.0, 60.0, 1.0, 0.001)
_OPENAI_DIMENSIONS = ("requests", "tokens")
_ANTHROPIC_DIMENSIONS = ("requests", "tokens", "input-tokens", "output-tokens")


def wait_hint(headers: Headers, status: int, vendor: str, wall: float) -> float | None:
    """Seconds to wait, above 0 and up to an hour; None when nothing sensible is asked for.

    `status` is the answer's (below 400 nothing is read), `vendor` the profile's vendor, `wall` Unix seconds.
    """
    if status < 400:
        return None
    found = dict(reversed(headers))
    for wait in _waits(found, vendor, wall):
        if wait is not None and 0.0 < wait <= LONGEST_WAIT_S:
            return wait
    return None


def _waits(headers: Mapping[str, str], vendor: str, wall: float) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms"))
    yield milliseconds / 1000.0 if milliseconds is not None else None
    after = headers.get("retry-after")
    seconds = _number(after)
    yield seconds if seconds is not None else _until_date(after, headers.get("date"), wall)
    yield _reset(headers, vendor, wall)


def _reset(headers: Mapping[str, str], vendor: str, wall: float) -> float | None:
    """The longest reset among the dimensions that are used up."""
    if vendor in ("azure-openai", "azure-foundry"):
        return None
    if vendor == "openrouter":
        waits = [_until_epoch_ms(headers, wall)]
    elif vendor.startswith("anthropic"):
        waits = [_until_rfc3339(headers, dimension, wall) for dimension in _ANTHROPIC_DIMENSIONS]
    else:
        waits = [_until_duration(headers, dimension) for dimension in _OPENAI_DIMENSIONS]
    return max((wait for wait in waits if wait is not None), default=None)


def _until_duration(headers: Mapping[str, str], dimension: str) -> float | None:
    if _number(headers.get(f"x-ratelimit-remaining-{dimension}")) != 0.0:
        return None
    return _duration(headers.get(f"x-ratelimit-reset-{dimension}", ""))


def _until_rfc3339(headers: Mapping[str, str], dimension: str, wall: float) -> float | None:
    if _number(headers.get(f"anthropic-ratelimit-{dimension}-remaining")) != 0.0:
        return None
    try:
        reset = datetime.fromisoformat(headers.get(f"anthropic-ratelimit-{dimension}-reset", ""))
        return _unix(reset) - _here(headers.get("date"), wall)
    except (ValueError, OverflowError):
        return None


def _until_epoch_ms(headers: Mapping[str, str], wall: float) -> float | None:
    reset = _number(headers.get("x-ratelimit-reset"))
    if reset is None or _number(headers.get("x-ratelimit-remaining")) != 0.0:
        return None
    return reset / 1000.0 - _here(headers.get("date"), wall)


def _until_date(text: str | None, sent: str | None, wall: float) -> float | None:
    until = _date(text)
    return until - _here(sent, wall) if until is not None else None


def _here(sent: str | None, wall: float) -> float:
    """What time it is on the upstream's clock; ours where it does not say."""
    told = _date(sent)
    return told if told is not None else wall


def _date(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return _unix(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unix(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(text: str | None) -> float | None:
    """A plain number, neither negative nor NaN nor a power of ten."""
    text = text.strip() if text is not None else ""
    return float(text) if _NUMBER.fullmatch(text) else None


def _duration(text: str) -> float | None:
    """Seconds of `1h2m3.5s` or `12ms`; None for anything else, a bare number among it."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or match.lastindex is None:
        return None
    return sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)
