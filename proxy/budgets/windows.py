"""Calendar windows: which one a moment lies in. Pure; a moment is Unix seconds by the store's clock.

Days and months begin at local midnight, so that one with a change of the clock is an hour shorter or longer. Hours and
minutes are of equal length whatever the clock does, and begin where the zone's do (some are half an hour off).
"""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from proxy.config.spending import Window

_SECONDS = {"minute": 60, "hour": 3600}


class Span(Struct, frozen=True):
    """From `start`, itself included, to `end`."""

    id: str
    """Tells it from every other one of its kind."""
    start: float
    end: float

    @property
    def until(self) -> str:
        """Its end as text."""
        return moment(self.end)


def moment(at: float) -> str:
    """A time of Unix seconds as messages and pages tell it: RFC 3339, UTC, in whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span_of(window: Window, timezone: str, at: float) -> Span:
    """The window that `at` lies in."""
    local = datetime.fromtimestamp(at, _zone(timezone))
    length = _SECONDS.get(window)
    if length is not None:
        shift = (local.utcoffset() or timedelta()).total_seconds()
        start = (at + shift) // length * length - shift
        return Span(str(int(start)), start, start + length)
    if window == "day":
        first = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        following = first + timedelta(days=1)
        name = f"{first:%Y-%m-%d}"
    else:
        first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
        following = (first + timedelta(days=32)).replace(day=1)
        name = f"{first:%Y-%m}"
    return Span(name, first.timestamp(), following.timestamp())


@lru_cache(maxsize=32)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)  # a machine may lack the files of time zones
