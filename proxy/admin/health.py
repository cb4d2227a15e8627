"""Whether this process is alive and can serve, judged by nothing but itself.

A provider's failure must never make a pod unready: every replica would be taken out at once, for a fault they can
route around. Alive means that the event loop keeps its appointments.
"""

from typing import Any

BEAT_S = 1.0
LATE_S = 5.0
Told = tuple[int, dict[str, Any]]
"""A status, and a body in JSON's terms."""


class Health:
    """`beat` is called every `BEAT_S` by the loop; `now` is the clock's monotonic time in seconds."""

    __slots__ = ("_due", "_lag", "draining")

    def __init__(self, now: float) -> None:
        self.draining = False
        self._due = now + BEAT_S
        self._lag = 0.0

    def beat(self, now: float) -> None:
        self._lag = max(0.0, now - self._due)
        self._due = now + BEAT_S

    def lag(self, now: float) -> float:
        """By how much the loop is late, in seconds: the last beat's delay, or the next one's if that is worse."""
        return max(self._lag, now - self._due)

    def alive(self, now: float) -> bool:
        return self.lag(now) < LATE_S

    def live(self, now: float) -> Told:
        """What `/livez` answers."""
        alive = self.alive(now)
        return 200 if alive else 503, {"alive": alive, "loop_lag_s": round(self.lag(now), 3)}

    def ready(self, unfit: str) -> Told:
        """What `/readyz` answers; `unfit` is why hard budgets cannot be kept, empty where they can."""
        ready = not self.draining and not unfit
        told = {"ready": ready, "draining": self.draining, **({"budgets": unfit} if unfit else {})}
        return 200 if ready else 503, told
