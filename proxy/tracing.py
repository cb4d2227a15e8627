"""One exchange's trace as it comes to be: whose it is a part of, and which attempts were made. Values and decisions.

The context is W3C's (`traceparent`, `tracestate`): what a client brings is gone on with, and anything that breaks the
format is taken for none. Nothing is made of a trace before its exchange has ended (`proxy.telemetry.spans`): on the way
moments and names are noted, no more.

What goes to a provider is its trace id alone, with the client's `tracestate`, and only where the provider's block says
`trace = true`: an id that names this request in the operator's own systems is no business of a third party.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from proxy.config.values import Target

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
STATE_CAP: Final = 512
"""Characters of a `tracestate` that goes on; a longer one is left out."""
MEMBERS_CAP: Final = 32

_SAMPLED, _RANDOM = 1, 2
"""Flags of a context: it is recorded; the last seven bytes of its trace id are random."""
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class Context(Struct, frozen=True):
    """A place in a trace, as one process tells the next."""

    trace_id: bytes
    span_id: bytes
    flags: int
    state: str = ""

    @property
    def sampled(self) -> bool:
        return bool(self.flags & _SAMPLED)

    def headers(self) -> list[tuple[str, str]]:
        parent = f"00-{self.trace_id.hex()}-{self.span_id.hex()}-{self.flags:02x}"
        return [(TRACEPARENT, parent), *([(TRACESTATE, self.state)] if self.state else [])]


def read_context(headers: Mapping[str, str]) -> Context | None:
    """What a client brought; None for nothing, or nothing that can be read. Names are in lower case."""
    told = _TRACEPARENT.fullmatch(headers.get(TRACEPARENT, "").strip(" \t"))
    if told is None:
        return None
    version, trace, span, flags, more = told.groups()
    if version == "ff" or (version == "00" and more) or trace == _NO_TRACE or span == _NO_SPAN:
        return None
    known = int(flags, 16) & (_SAMPLED | _RANDOM)
    return Context(bytes.fromhex(trace), bytes.fromhex(span), known, _state(headers.get(TRACESTATE, "")))


def _state(text: str) -> str:
    text = text.strip(" \t")
    fits = len(text) <= STATE_CAP and text.isascii() and text.isprintable() and text.count(",") < MEMBERS_CAP
    return text if fits else ""


class Sampler(Struct, frozen=True):
    """Which exchanges are recorded: the part `ratio` of all, or of those whose client has not decided already."""

    ratio: float = 1.0
    follows: bool = True
    """Whether a client's decision is kept to."""

    def takes(self, trace_id: bytes, parent: Context | None) -> bool:
        """By the id alone, as OpenTelemetry's own samplers decide: all processes of a trace come to the same."""
        if parent is not None and self.follows:
            return parent.sampled
        return int.from_bytes(trace_id[8:]) < self.ratio * 2**64


class AttemptTrace(Struct):
    """One attempt. Moments are loop time in seconds, 0 for what was not."""

    span_id: bytes
    target: Target
    breaker: str
    """The state of its breaker when it was let through."""
    calls: int
    """Made side by side."""
    began: float
    ended: float = 0.0
    first: float = 0.0
    """The first content."""
    kind: str = "cancelled"
    status: int = 0
    stumbles: list[tuple[float, str]] = field(default_factory=list)
    """Calls within it that were made again: when each failed, and how."""


class Trace(Struct, eq=False):
    """One exchange's; filled by whoever makes its attempts."""

    context: Context
    """The exchange's own place."""
    parent: Context | None
    new_id: Callable[[int], bytes]
    """Random bytes, so many."""
    attempts: list[AttemptTrace] = field(default_factory=list)
    model: str = ""
    """As the answer itself names it."""
    finishes: list[str] = field(default_factory=list)
    over: float = 0.0
    """Loop time of the exchange's end."""

    def attempt(self, target: Target, breaker: str, calls: int, now: float) -> None:
        """An attempt begins. What an answer said that did not come to an end is no more."""
        self.model = ""
        self.finishes.clear()
        self.attempts.append(AttemptTrace(self.new_id(8), target, breaker, calls, now))

    def ended(self, kind: str, status: int, first: float, now: float) -> None:
        """The last attempt has ended; `first` is when its first content reached the client, 0 if none did."""
        last = self.attempts[-1]
        last.kind, last.status, last.ended, last.first = kind, status, now, first or last.first

    def first(self, now: float) -> None:
        """The last attempt's first content is there, though the client is sent nothing yet."""
        self.attempts[-1].first = now

    def stumbled(self, kind: str, now: float) -> None:
        """A call of the last attempt failed and is made again."""
        self.attempts[-1].stumbles.append((now, kind))

    def told(self, model: str, finishes: Sequence[str]) -> None:
        """What an answer says of itself."""
        self.model = model or self.model
        self.finishes.extend(finishes)

    def onward(self) -> Context:
        """Where the call of the last attempt stands."""
        mine = self.context
        return Context(mine.trace_id, self.attempts[-1].span_id, mine.flags, mine.state)


def begin(sampler: Sampler, headers: Mapping[str, str], new_id: Callable[[int], bytes]) -> Trace:
    """An exchange's trace, by the headers that its client sent."""
    parent = read_context(headers)
    trace_id = new_id(16) if parent is None else parent.trace_id
    flags = _RANDOM if parent is None else parent.flags & _RANDOM
    if sampler.takes(trace_id, parent):
        flags |= _SAMPLED
    return Trace(Context(trace_id, new_id(8), flags, "" if parent is None else parent.state), parent, new_id)


def mend(fields: Sequence[tuple[bytes, bytes]], headers: dict[str, str]) -> None:
    """Has `headers`, which hold the last value of each name, tell all of a context where names in `fields` repeat: the
    parts of a `tracestate` are one list, and of two traces it is not known which one is meant."""
    if TRACEPARENT not in headers:
        return
    states = [value.decode("latin-1") for name, value in fields if name == b"tracestate"]
    if len(states) > 1:
        headers[TRACESTATE] = ",".join(states)
    if sum(name == b"traceparent" for name, _ in fields) > 1:
        del headers[TRACEPARENT]


def passed_on(trace: Trace | None, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers for a provider that is told of traces: ours, or where none is made what the client brought."""
    context = read_context(headers) if trace is None else trace.onward()
    return [] if context is None else context.headers()
