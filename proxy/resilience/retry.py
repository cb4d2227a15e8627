"""After a fault: again here, with another key, at the next target, or not at all; and how many retries a target bears.

Everything but `Budget` is a function of its arguments. `again` speaks of the target just tried, `onward` of one that
might follow; neither is asked once the answer is committed, since then nothing is tried again.
"""

import enum
from collections.abc import Callable

from msgspec import Struct

from proxy.config.values import RetrySettings
from translators.faults import Again, Fault, Kind, Onward

SLOTS = 10


class Action(enum.Enum):
    STAY = "stay"
    """The same target once more, after a pause. The caller takes it from the target's retry budget first."""
    NEXT_KEY = "next_key"
    """The same target at once, with another key; also a retry to the budget."""
    GO_ON = "go_on"
    """This target is done; `onward` says of each of the others whether it may follow."""
    STOP = "stop"
    """Nothing more may be tried."""

    def __repr__(self) -> str:
        return self.name


class Decision(Struct, frozen=True):
    action: Action
    after_s: float = 0.0
    """The pause before STAY, in seconds; 0 for the other actions."""


NEXT_KEY = Decision(Action.NEXT_KEY)
GO_ON = Decision(Action.GO_ON)
STOP = Decision(Action.STOP)


def total_attempts(targets: int, settings: RetrySettings) -> int:
    """The attempts one request may make over a chain of `targets`: each target of a long chain still gets its turn."""
    most = settings.max_total_attempts
    return targets if targets > most else most  # noqa: FURB136 - a call costs more


def attempts_for(position: int, targets: int, left: int, settings: RetrySettings, client_retries: int = 0) -> int:
    """The attempts for the target at `position` (from 0) when `left` remain for the request: one is kept for each
    target after it. A client that itself retries (`client_retries` as its SDK counts) gets one per target.
    """
    here = 1 if client_retries else settings.attempts_per_target
    free = left - (targets - position - 1)
    return here if here < free else max(0, free)


def delay(attempt: int, settings: RetrySettings, uniform: Callable[[], float]) -> float:
    """Seconds to wait after the `attempt`-th failure (from 1) at a target: exponential with full jitter."""
    return min(settings.cap_s, settings.base_s * 2.0 ** min(attempt - 1, 32)) * uniform()


def again(
    fault: Fault,
    *,
    tried_here: int,
    allowed_here: int,
    delay_s: float,
    wait_s: float | None,
    now: float,
    deadline: float,
    others_usable: bool,
    other_key: bool,
    settings: RetrySettings,
) -> Decision:
    """What follows an attempt that ended in `fault`, the `tried_here`-th of `allowed_here` at its target.

    `delay_s` is our own back-off; `wait_s` is how long key and target stay blocked because the upstream asked for it
    (None: it did not). `others_usable`: a later target would take a call now. `other_key`: this provider has another
    key that is free now. Times are seconds.

    A wait that the upstream asked for is kept in full or not at all. Our own back-off is given up for another target
    when it is long, and is shortened where there is none: a request never sleeps longer than `max_inline_wait_s`.
    """
    outcome = fault.outcome
    if now >= deadline:
        return STOP
    if outcome.again is Again.NEVER:
        return STOP if outcome.onward is Onward.NO else GO_ON
    if tried_here >= allowed_here or (outcome.again is Again.ONCE and tried_here > 1):
        return GO_ON
    if other_key and fault.kind in _OF_THE_KEY:
        return NEXT_KEY
    if outcome.again is Again.NEXT_KEY:
        return GO_ON
    longest = settings.max_inline_wait_s
    asked = wait_s or 0.0
    pause = max(asked, delay_s)
    if asked > longest or (pause > longest and others_usable):
        return GO_ON
    pause = min(pause, longest)
    return GO_ON if now + pause >= deadline else Decision(Action.STAY, pause)


_OF_THE_KEY = frozenset({Kind.THROTTLED, Kind.QUOTA, Kind.AUTH})
"""Another key may fare better at once."""


def onward(fault: Fault, *, translated: bool, larger: bool, allowed: bool) -> bool:
    """Whether a target may follow one that ended in `fault`.

    `translated`: the failed target got a translation. `larger`: the following one is known to have a larger context
    window. `allowed`: the model's configuration lets content refusals fail over.
    """
    match fault.outcome.onward:
        case Onward.YES:
            return True
        case Onward.NO:
            return False
        case Onward.IF_TRANSLATED:
            return translated
        case Onward.IF_LARGER:
            return larger
        case Onward.IF_ALLOWED:
            return allowed


class Budget:
    """How many retries one target bears: in any window, a fraction of its requests and a few besides.

    The window is kept in ten slots, the present one included. A withdrawal that the window does not cover is refused,
    never owed. `settings` may be replaced at any time; another window length begins an empty window.
    """

    __slots__ = ("_deposited", "_deposits", "_slot", "_withdrawals", "_withdrawn", "settings")

    def __init__(self, settings: RetrySettings) -> None:
        self.settings = settings
        self._slot = 0
        self._deposits = [0] * SLOTS
        self._withdrawals = [0] * SLOTS
        self._deposited = 0
        """The sum of the slots, as `_withdrawn` is of its own."""
        self._withdrawn = 0

    def deposit(self, now: float) -> None:
        """A request has come to the target; once per request, not per attempt."""
        self._deposits[self._at(now)] += 1
        self._deposited += 1

    def withdraw(self, now: float) -> bool:
        """Takes one retry. False: the budget is used up, and the next target's turn has come."""
        index = self._at(now)
        settings = self.settings
        earned = settings.budget_ratio * self._deposited + settings.budget_min_per_s * settings.budget_window_s
        if self._withdrawn + 1 > earned:
            return False
        self._withdrawals[index] += 1
        self._withdrawn += 1
        return True

    def _at(self, now: float) -> int:
        """The present slot's place, once those that have left the window are emptied."""
        slot = int(now * SLOTS / self.settings.budget_window_s)
        if slot != self._slot:
            self._move(slot)
        return slot % SLOTS

    def _move(self, slot: int) -> None:
        steps = slot - self._slot
        # A step back is another window length: what the slots hold says nothing about it.
        passed = range(self._slot + 1, slot + 1) if 0 < steps < SLOTS else range(SLOTS)
        for one in passed:
            index = one % SLOTS
            self._deposited -= self._deposits[index]
            self._withdrawn -= self._withdrawals[index]
            self._deposits[index] = self._withdrawals[index] = 0
        self._slot = slot
