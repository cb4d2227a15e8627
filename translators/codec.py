"""The shape every dialect package has: the same eleven names at module level.

`translators.catalog` lists the dialects; a dialect imports neither this protocol's users nor another dialect.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from translators.faults import Fault
from translators.ir import Context, Delta, Dialect, Event, EventReader, EventWriter, Finish, Json, Reply, Request, Usage
from translators.profile import Profile
from translators.report import Report


class Envelope(Struct, frozen=True):
    """The little that is checked of every request before anything else is decided."""

    model: str
    stream: bool
    include_usage: bool
    """Whether the client asked for usage in its stream (always true for dialects that always send it)."""


class Seen(Struct, frozen=True):
    """What a relayed answer tells without being rewritten."""

    id: str
    model: str
    usage: Usage | None
    finish: Finish | None
    body: bytes | None = None
    """The body to send on instead, where provider-bound blobs in it had to be marked with their origin."""


class Pipe(Protocol):
    """Upstream events in, client bytes out, whether relayed or translated; the deltas tell what happened."""

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault on what cannot be an event of the upstream's dialect."""

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """The bytes ended: last deltas and the client's regular end. Raises Truncated."""

    def fault(self, fault: Fault) -> bytes:
        """The client's error event."""

    def shows(self, delta: Delta) -> bool:
        """Whether the client sees this delta as content, so that it commits the answer."""


class Codec(Protocol):
    """One dialect, both directions."""

    dialect: Dialect
    stream_type: str
    """Content type of its streams."""

    # -- requests
    def check_envelope(self, body: Json) -> Envelope:
        """Checks model, messages and stream, and nothing else, so that tomorrow's fields work. Raises Malformed."""

    def parse_request(self, body: Json) -> Request:
        """The whole request in the neutral form. Raises Malformed with the field's path."""

    def render_request(self, request: Request, profile: Profile) -> tuple[dict[str, Json], Report]:
        """The body for `profile`'s target. What cannot be said is left out and noted in the Report, never raised."""

    def relay_request(
        self, body: dict[str, Json], profile: Profile, bound: int | None
    ) -> tuple[dict[str, Json], Report]:
        """The same-dialect body: a shallow copy with model, usage option, output bound (`bound` when the client gave
        none) and foreign blobs seen to; all else passes as it came. `body` is not changed."""

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

    def relay(self, profile: Profile, context: Context) -> Pipe:
        """Same-dialect streaming: events pass as they came, watched by a reader."""

    # -- failures
    def parse_fault(self, status: int, body: bytes, profile: Profile) -> Fault:
        """Classifies an error answer, body before status. Never raises."""

    def render_fault(self, fault: Fault, extra: Mapping[str, Json] | None = None) -> tuple[int, bytes]:
        """Status and body of an error in this dialect; `extra` goes under `error.sidestep`."""
