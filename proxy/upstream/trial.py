"""Everything one attempt works with, and what becomes known of it: values alone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from proxy.clock import Clock
from proxy.config.values import Target
from proxy.flow import Exchange, Fared, Headers
from proxy.jobs import Job
from proxy.upstream.seam import Call, Engine
from proxy.upstream.timings import AttemptTimes
from translators.codec import Context
from translators.faults import Failure
from translators.ir import Usage
from translators.report import Report

ANSWER_LIMIT = 64 * 1024 * 1024
ERROR_LIMIT = 1024 * 1024
RESTING = float("inf")


class Seen(Struct):
    """What became known of an attempt, filled as it happens; `status` is 0 until the upstream answered."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    usage: Usage | None = None
    id: str = ""
    """The id that the upstream gave its answer; empty where the client sees another."""
    silent_s: float = 0.0
    """Of a stream that was called off after its commit, how long its upstream had been silent by then."""
    fared: Sequence[Fared] = ()
    """Of calls side by side, how each of them ended."""


Resume = Callable[[Failure, Seen, int], Awaitable[bool]]
"""Whether a call for the rest of an answer, which failed so for the given time (from 1) before any of it came, is made
again; sleeps the pause before it. The failure's usage is of that call alone."""
Pay = Callable[[Call], Awaitable[None]]
"""Reserves what a call for the rest of an answer can cost; raises Failure where a budget does not bear it."""
Commit = Callable[[bytes], Awaitable[None]]
"""Called once, when a stream's first content is there: sends the client's status and headers and, at once with them,
what it is given of the body, if the client gets a stream."""


class Trial(Struct, frozen=True):
    """Everything one attempt needs."""

    exchange: Exchange
    job: Job
    target: Target
    engine: Engine
    call: Call
    fields: Mapping[str, Any]
    """The call's body before it became bytes."""
    again: Callable[[Mapping[str, Any], int], Call]
    """The same call with another body, made as this `part`."""
    resume: Resume
    report: Report
    times: AttemptTimes
    context: Context
    clock: Clock
    seen: Seen
    tail: Callable[[], bytes]
    """What is said before a stream's regular end, e.g. the metadata a client asked for."""
    pay: Pay | None = None
    """None where nothing limits what is spent."""
    alone: Callable[[], bool] | None = None
    """Whether no target behind it can be called now; None where there is none, or no stream is read."""
    part: int = 0
    """Which one it is of several that are made side by side (`fanout`)."""
