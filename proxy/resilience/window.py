"""How a target has fared of late: what came of its calls, and how long they took. Pure; the time is passed in.

Ten slots of half a minute, of which the oldest goes when a new one begins: so between four and a half and five minutes
are looked at. Outcomes are counted, all of them. Times are kept as they were, but of each half minute only the last 64
calls' and the last 64 streams', so that a busy target takes no more room or time than that, and a minute of rush does
not outweigh the others. They are put in order when somebody asks.

Rules
- A call is told once, at its end, by the kind of its outcome. What says nothing of the target is not counted for or
  against it: the client left, the time or this proxy's own means ran out.
- A refusal of the request is an answer. A refusal of the key, of the rate or of the model is none.
- How long a call took counts where it was answered whole; the time to the first content, wherever there was any.
"""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from translators.faults import OUTCOMES

SLOT_S: Final = 30.0
SLOTS: Final = 10
WINDOW_S: Final = SLOT_S * SLOTS
SAMPLES: Final = 64
"""Times kept of a slot."""
OK: Final = "ok"

_ANSWERED: Final = frozenset({OK, *(kind.value for kind, outcome in OUTCOMES.items() if outcome.breaker == "success")})
_SILENT: Final = frozenset(kind.value for kind, outcome in OUTCOMES.items() if outcome.breaker == "ignored")


class Times(Struct, frozen=True):
    """Quantiles, in seconds."""

    p50: float
    p95: float


class Figures(Struct, frozen=True):
    """How targets fared, summed up."""

    outcomes: Mapping[str, int]
    """Calls by `ok` or their fault's kind, the commonest first."""
    answered: int
    failed: int
    latency: Times | None
    """Of whole answers, streams to their end; None where there was none."""
    first: Times | None
    """To the first content of streams."""

    @property
    def success_ratio(self) -> float | None:
        """None where nothing is to be judged by."""
        judged = self.answered + self.failed
        return self.answered / judged if judged else None


class _Slot(Struct):
    """A half minute."""

    number: int
    ok: int
    """Calls that were answered whole."""
    faults: Mapping[str, int]
    """The others, by their fault's kind."""
    took: Collection[float]
    """Seconds of each of the former."""
    first: Collection[float]
    """Seconds to the first content of each stream."""


class Window:
    """The last minutes of one target."""

    __slots__ = ("_ends_at", "_faults", "_first", "_number", "_ok", "_past", "_took", "noted_at")

    def __init__(self) -> None:
        self.noted_at = -math.inf
        """When the last call ended."""
        self._ends_at = -math.inf
        """When the slot is over that calls are added to."""
        self._number = 0
        self._past: deque[_Slot] = deque(maxlen=SLOTS - 1)
        self._clear()

    def note(self, now: float, began: float, first_at: float, kind: str | None) -> None:
        """A call that began at `began` has ended: answered whole, or with a fault of this kind. `first_at` is when its
        first content came, 0 for none or for no stream."""
        if now >= self._ends_at:
            self._begin(now)
        self.noted_at = now
        if kind is None:
            self._ok += 1
            self._took.append(now - began)
        else:
            self._faults[kind] += 1
        if first_at:
            self._first.append(first_at - began)

    def slots(self, now: float) -> Iterator[_Slot]:
        oldest = int(now // SLOT_S) - SLOTS + 1
        return (slot for slot in (*self._past, self._current()) if slot.number >= oldest)

    def _begin(self, now: float) -> None:
        """Another slot."""
        if self._ok or self._faults:
            self._past.append(self._current())
            self._clear()
        self._number = int(now // SLOT_S)
        self._ends_at = (self._number + 1) * SLOT_S

    def _current(self) -> _Slot:
        return _Slot(self._number, self._ok, self._faults, self._took, self._first)

    def _clear(self) -> None:
        self._ok = 0
        self._faults: defaultdict[str, int] = defaultdict(int)
        self._took: deque[float] = deque(maxlen=SAMPLES)
        self._first: deque[float] = deque(maxlen=SAMPLES)


def figures(windows: Iterable[Window], now: float) -> Figures:
    """Of one target, or of several together."""
    return _summed(slot for window in windows for slot in window.slots(now))


def course(window: Window, now: float) -> Iterator[tuple[int, Figures]]:
    """Each half minute in which a call ended, the oldest first: its number, counted from the clock's zero."""
    return ((slot.number, _summed([slot])) for slot in window.slots(now) if slot.ok or slot.faults)


def _summed(slots: Iterable[_Slot]) -> Figures:
    outcomes: Counter[str] = Counter()
    took: list[float] = []
    first: list[float] = []
    for slot in slots:
        outcomes[OK] += slot.ok
        outcomes.update(slot.faults)
        took += slot.took
        first += slot.first
    outcomes = +outcomes
    answered = sum(count for kind, count in outcomes.items() if kind in _ANSWERED)
    silent = sum(count for kind, count in outcomes.items() if kind in _SILENT)
    failed = outcomes.total() - answered - silent
    return Figures(dict(outcomes.most_common()), answered, failed, _times(took), _times(first))


def _times(seconds: list[float]) -> Times | None:
    """By the nearest rank."""
    if not seconds:
        return None
    seconds.sort()
    return Times(seconds[math.ceil(0.5 * len(seconds)) - 1], seconds[math.ceil(0.95 * len(seconds)) - 1])
