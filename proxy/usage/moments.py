"""Moments as people type them and as they are told: all of them UTC."""

import re
from datetime import UTC, datetime
from typing import Final

FORMS: Final = "a day (2026-11-01), a time (2026-11-01T09:30), or how long ago (90m, 24h, 7d)"
_AGO: Final = re.compile(r"([0-9]{1,6})([smhdw])\Z")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str, now: float) -> float:
    """Unix seconds of what is typed, one of `FORMS`; a time without a zone is UTC. Raises ValueError with a clause."""
    if ago := _AGO.match(text):
        return now - int(ago[1]) * _SECONDS[ago[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be {FORMS}") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def told(at: float) -> str:
    """`2026-11-01T09:30:00.250Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
