"""The shape every dialect package has: the same names at module level.

`translators.catalog` lists the dialects; a dialect imports neither this protocol's users nor another dialect.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from translators.faults import Fault
from translators.ir import Delta, Dialect, Event, Finish, Json, Reply, Request, Usage
from translators.profile import Profile
from translators.remember import Turn
from translators.report import Naming, Report


class Context(Struct, frozen=True, kw_only=True):
    """What an answer needs beside its content: minted ids, the time, and what the client asked to see."""

    id: str
    created: int
    """Unix seconds."""
    model: str
    """The model that answers."""
    include_usage: bool = False
    named_tool: bool = False
    """True when the caller forced one named tool (some dialects then finish differently)."""
    report: Report = msgspec.field(default_factory=Report)
    """Where it is noted what of the answer the client's dialect has no place for."""
    echo: Mapping[str, Json] = {}
    """The client's request as it came, for dialects whose answers repeat parts of it."""


class EventReader(Protocol):
    """Upstream events -> deltas. Any event gives deltas or raises one `ProtocolFault`; unknown ones give `Lost`."""

    done: bool
    """Whether the dialect's terminal event was seen: nothing that counts can follow, though the bytes go on."""

    def feed(self, event: Event) -> Sequence[Delta]:
        """Deltas of one event. Raises ProtocolFault on what cannot be an event of this dialect."""

    def close(self) -> Sequence[Delta]:
        """The bytes ended. Raises Truncated unless the dialect's terminal event was seen."""


class EventWriter(Protocol):
    """Deltas -> bytes for the client, framing included."""

    def feed(self, delta: Delta) -> bytes:
        """Bytes to send; empty when this delta says nothing in this dialect (or must be held back)."""

    def close(self) -> bytes:
        """The regular end of the stream, e.g. the usage chunk and `[DONE]`."""

    def fault(self, fault: Fault) -> bytes:
        """The error event that ends a broken stream; never the regular end."""

    def shows(self, delta: Delta) -> bool:
        """Whether the client sees this delta as content, so that it commits the answer."""


class Envelope(Struct, frozen=True):
    """The little that is checked of every request before anything else is decided."""

    model: str
    stream: bool
    include_usage: bool
    """Whether the client asked for usage in its stream (always true for dialects that always send it)."""
    thinks: bool | None = None
    """Whether the model is asked to reason before it answers; None when the client did not say."""


class Seen(Struct, frozen=True):
    """What a relayed answer tells without being rewritten."""

    id: str
    model: str
    usage: Usage | None
    finish: Finish | None
    body: bytes | None = None
    """The body to send on instead, where provider-bound blobs in it had to be marked with their origin."""


class Pipe(Protocol):
    """Upstream events in, client bytes out, whether relayed, translated or folded; the deltas tell what happened."""

    @property
    def done(self) -> bool:
        """Whether the upstream has said its regular end, so that `close` need not wait for the end of the bytes."""

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault on what cannot be an event of the upstream's dialect."""

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """The answer ended: last deltas and the client's regular end. Raises Truncated."""

    def fault(self, fault: Fault) -> bytes:
        """The client's error event."""

    def shows(self, delta: Delta) -> bool:
        """Whether the client sees this delta as content, so that it commits the answer."""


class Around:
    """A Pipe around another one, which does as that one does and hears all that it tells."""

    __slots__ = ("_pipe", "fault", "shows")

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.fault: Callable[[Fault], bytes] = pipe.fault
        self.shows: Callable[[Delta], bool] = pipe.shows

    @property
    def done(self) -> bool:
        return self._pipe.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        told = self._pipe.feed(event)
        self.hear(*told)
        return told

    def close(self) -> tuple[Sequence[Delta], bytes]:
        told = self._pipe.close()
        self.hear(*told)
        return told

    def hear(self, deltas: Sequence[Delta], data: bytes) -> None:
        """What a subclass is there for; `data` are bytes for the client."""
        raise NotImplementedError


class Codec(Protocol):
    """One dialect, both directions."""

    dialect: Dialect
    stream_type: str
    """Content type of its streams."""
    id_prefix: str
    """What the ids of its answers begin with."""
    ping: bytes
    """An event that only says that a silent stream goes on; empty where its clients need none."""

    # -- requests
    def check_envelope(self, body: Json) -> Envelope:
        """Checks model, messages and stream, and nothing else, so that tomorrow's fields work. Raises Malformed."""

    def parse_request(self, body: Json, checked: Envelope | None = None) -> Request:
        """The whole request in the neutral form; `checked` is what `check_envelope` made of this very body, where it
        was asked. Raises Malformed with the field's path."""

    def render_request(self, request: Request, profile: Profile) -> tuple[dict[str, Json], Report]:
        """The body for `profile`'s target. What cannot be said is left out and noted in the Report, never raised; the
        Report names things as `translators.report` says."""

    def naming(self, body: dict[str, Json]) -> Naming:
        """What this client's request, which was read without complaint, calls the things that a renderer's Report
        names; see `translators.report`."""

    def relay_request(
        self, body: dict[str, Json], profile: Profile, bound: int | None
    ) -> tuple[dict[str, Json], Report]:
        """The same-dialect body: a shallow copy with model, usage option, output bound (`bound` when the client gave
        none) and foreign blobs seen to; all else passes as it came. `body` is not changed."""

    def replayed(
        self, body: dict[str, Json], turns: Sequence[Turn | None], profile: Profile, report: Report
    ) -> dict[str, Json]:
        """A body that is about to be relayed, with what is kept of its turns with calls, in order, seen to: what this
        target made and the client dropped is put back, what another one made and does not say so is taken out, which
        is noted once, with the path of the first that goes. `body` is not changed."""

    def unbound(self, body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:
        """A relayed body without provider-bound reasoning, for a target that did not accept it or misses its own; None
        where that changes nothing. `body` is not changed."""

    def as_stream(self, body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:
        """A unary call's body as it asks for a stream, with usage, where this target's unary calls are streamed:
        `profile.upstream_stream` says so, or the dialect needs it. None where the call goes as it is, among others
        because a fold could not give back what it asks for. `body` is not changed."""

    def request_path(self, profile: Profile, *, stream: bool) -> str:
        """Path and query to append to the provider's base URL."""

    def request_headers(self, key: str, profile: Profile, body: Mapping[str, Json]) -> list[tuple[str, str]]:
        """Authentication and version headers of the dialect (content-type aside)."""

    # -- answers
    def parse_reply(self, body: bytes, profile: Profile) -> Reply:
        """A unary answer. Raises Failure for an error dressed as a 200, ProtocolFault for anything else."""

    def inspect_reply(self, body: bytes, profile: Profile) -> Seen:
        """What a relayed unary answer tells; raises as parse_reply does."""

    def render_reply(self, reply: Reply, context: Context) -> bytes:
        """The client's unary body."""

    def reader(self, profile: Profile) -> EventReader: ...

    def writer(self, context: Context) -> EventWriter: ...

    def aside(self, facts: Mapping[str, Json], context: Context) -> bytes:
        """An event that tells a client of this dialect `facts` of the proxy's own, under `sidestep`; clients that do
        not look for it pass over it."""

    def relay(self, profile: Profile, context: Context) -> Pipe:
        """Same-dialect streaming: events pass as they came, watched by a reader."""

    # -- failures
    def parse_fault(self, status: int, body: bytes, profile: Profile) -> Fault:
        """Classifies an error answer, body before status. Never raises."""

    def render_fault(self, fault: Fault, extra: Mapping[str, Json] | None = None) -> tuple[int, bytes]:
        """Status and body of an error in this dialect; `extra` goes under `error.sidestep`."""
