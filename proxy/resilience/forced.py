"""When one call may be made at a target all the same, against a key that is off or a long wait.

Both are guesses of how long something lasts: an account may be paid a minute after it was out of money, and a provider
that asked for an hour may be well after a second. Where another target serves, the guess costs nothing. Where nobody
can be called, it is the only thing that stands between a client and its answer, and then one call finds out:

- with a key that is off, once in 10 s wherever it belongs to: the first at once, for a refusal may have been a slip;
- against a wait, once in 60 s at each target, and first when 60 s of the wait are over: up to there it is kept.

Pure, and asked only where nobody could be called.
"""

import math

from proxy.resilience.keys import KeyPool, KeyState
from proxy.resilience.throttle import Throttle

KEY_EVERY_S = 10.0
WAIT_EVERY_S = 60.0


class Forced:
    """One target's such calls: when the last one was made against a wait; its keys know when they were called with."""

    __slots__ = ("_wait_at",)

    def __init__(self) -> None:
        self._wait_at = -math.inf

    def at(self, throttle: Throttle, key: KeyState, now: float) -> float:
        """The earliest moment for a call with `key` at the target whose wait is `throttle`; `now` where nothing stands
        in its way. Never later than its way is free by itself."""
        at = now
        for wait in (throttle, key.throttle):
            if wait.until > now:
                at = max(at, min(wait.until, max(wait.since, self._wait_at) + WAIT_EVERY_S))
        if key.off_until > now:
            at = max(at, min(key.off_until, key.forced_at + KEY_EVERY_S))
        return at

    def take(self, throttle: Throttle, key: KeyState, now: float) -> bool:
        """Whether the call may be made now; it is, then."""
        if self.at(throttle, key, now) > now:
            return False
        if key.off_until > now:
            key.forced_at = now
        if throttle.until > now or key.throttle.until > now:
            self._wait_at = now
        return True

    def soonest(self, throttle: Throttle, pool: KeyPool, now: float) -> tuple[KeyState, float] | None:
        """The key of the first such call, and its moment; of equals the one used longest ago, so that each has its
        turn. None without keys."""
        found = min(pool.each(), key=lambda key: (self.at(throttle, key, now), key.used), default=None)
        return None if found is None else (found, self.at(throttle, found, now))
