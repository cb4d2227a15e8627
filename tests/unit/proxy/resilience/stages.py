"""A breaker of default settings, led to each of its states by calls alone. Times are seconds."""

from proxy.resilience.breaker import State

T = 1000.0


def fail(breaker, now, times=1):
    for _ in range(times):
        breaker.settle(breaker.admit(now, 30), "fail", now)


def to_open(breaker, now=T):
    """Open from `now` to `now` + 30."""
    fail(breaker, now, 5)


def to_probe(breaker, now=T):
    """In PROBE at `now`."""
    to_open(breaker, now - 30)
    assert breaker.state(now) is State.PROBE


def to_ramp(breaker, now=T):
    """The ramp begins at `now`."""
    to_probe(breaker, now)
    for _ in range(2):
        breaker.commit(breaker.admit(now, 30), now)
    assert breaker.state(now) is State.RAMP
