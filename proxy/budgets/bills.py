"""What an attempt is billed by its provider, as far as anybody can know. Pure.

A provider that answers with an error bills nothing, and what was never sent cannot be billed. What was broken off (a
silence, a cut, a client that left) may have been worked on to its end: nobody knows, so it counts at its worst.
"""

import enum
from collections.abc import Iterable, Sequence

from proxy.flow import Fared
from translators.faults import Fault, Kind
from translators.ir import Usage

_NEVER_SENT = frozenset({Kind.CONNECT, Kind.SHED})
_GIVEN_UP = frozenset({408, 504, 524})
"""Statuses of what stands before a provider and waits no longer, while it works on."""
_BROKEN_OFF = frozenset({Kind.TIMEOUT, Kind.CANCELLED, Kind.DEADLINE, Kind.PROTOCOL})


class Bill(enum.Enum):
    NOTHING = "nothing"
    USAGE = "usage"
    """What the provider counted."""
    WORST = "worst"
    """The most it can have been."""


def apart(calls: Iterable[Fared]) -> tuple[Sequence[Usage], int]:
    """Of calls side by side, what their provider counted, and of how many of them nobody knows the bill."""
    bills = [(bill_of(one.fault, one.usage, one.status, content=one.content), one.usage) for one in calls]
    known = [usage for bill, usage in bills if bill is Bill.USAGE and usage is not None]
    return known, sum(bill is Bill.WORST for bill, _ in bills)


def bill_of(fault: Fault | None, usage: Usage | None, status: int, *, content: bool, calls: int = 1) -> Bill:
    """`status` is the provider's, 0 without one; `content`: some of the answer came; `calls` were made, and only of the
    last one the fault is known."""
    if fault is None:
        return Bill.WORST if usage is None else Bill.USAGE
    if content or calls > 1:
        return Bill.WORST
    if status in _GIVEN_UP:
        return Bill.WORST
    if status >= 300 or fault.kind in _NEVER_SENT:
        return Bill.NOTHING
    if fault.kind in _BROKEN_OFF:
        return Bill.WORST
    return Bill.NOTHING if usage is None else Bill.USAGE  # an error in the words of a good answer
