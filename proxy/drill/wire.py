"""An answer as it goes over the wire: the values that a script step takes apart and damages.

A plan is a series of actions that a connection plays: bytes are written, everything else is one of the values below.
Building a plan is pure; only `http.Connection` touches a socket.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from proxy.flow import Headers

EventKind = Literal["frame", "delta", "finish", "end"]
"""`frame`: an event without content (the role chunk, message_start, a block's start or stop, a ping). `delta`: content,
reasoning or a tool call: what commits an answer. `finish`: the finish reason. `end`: usage and the dialect's terminal
event."""


@dataclass(frozen=True, slots=True)
class Event:
    kind: EventKind
    data: bytes
    """The whole event, blank line included."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Either a whole `body` or `events`."""

    status: int
    headers: Headers
    body: bytes = b""
    events: tuple[Event, ...] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Goes on after so many seconds; 0 still lets what is written so far leave first."""

    seconds: float


class Act(enum.Enum):
    HOLD = "goes on at the provider's release()"
    NEVER = "stays silent, the connection open"
    CUT = "sends what is written, then closes the connection"
    RESET = "closes the connection with a reset"


Action = bytes | Wait | Act
Plan = Iterable[Action]

_REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}


def head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Scripted')}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole(status: int, headers: Headers, body: bytes, *, length: int | None = None) -> bytes:
    """Head and body; `length` is what content-length says when it is to lie."""
    said = len(body) if length is None else length
    return head(status, [*headers, ("content-length", str(said))]) + body


def chunked_head(answer: Answer) -> bytes:
    return head(answer.status, [*answer.headers, ("transfer-encoding", "chunked")])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def joined(plan: Plan) -> Sequence[Action]:
    """The plan with neighbouring bytes made one write."""
    actions: list[Action] = []
    run: list[bytes] = []
    for action in plan:
        if isinstance(action, bytes):
            run.append(action)
            continue
        if run:
            actions.append(b"".join(run))
            run = []
        actions.append(action)
    if run:
        actions.append(b"".join(run))
    return tuple(actions)
