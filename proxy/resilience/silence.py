"""How long a target has answered nothing at all, as calls learn it that were left too little time to judge it alone.

Each wait is measured by the time that its call would be granted: half a minute is the whole of a stream's and a quarter
of a whole answer's.

Rules
- Moments in which several calls waited count once, so that many clients in a hurry prove no more than one.
- The target is silent once the waits since its last answer come to the whole of a granted time. Only then are they held
  against it: each `FAIR_PART`th of one that calls have waited, one after another or side by side, is one failure.
"""

FAIR_PART = 3
"""A wait of this part of the granted time is enough to blame the target for its silence."""
_WHOLE = 1.0 - 1e-9
"""Parts of a time fall short of the whole by rounding."""


class Silence:
    """Since a target's last answer."""

    __slots__ = ("_owed", "_seen", "_until")

    def __init__(self) -> None:
        self._seen = 0.0
        """The part of the granted time in which somebody waited."""
        self._owed = 0.0
        """The same of all calls, since the last failure."""
        self._until = 0.0

    def add(self, began: float, now: float, granted_s: float) -> bool:
        """A call that began at `began`, and might have waited for `granted_s`, ends `now` without any answer. Whether
        that is a failure of the target's."""
        self._seen += max(0.0, now - max(began, self._until)) / granted_s
        self._owed += (now - began) / granted_s
        self._until = now
        if self._seen < _WHOLE or self._owed * FAIR_PART < _WHOLE:
            return False
        self._owed = 0.0
        return True
