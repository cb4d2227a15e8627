"""The form of a recording: one JSON object a line, one exchange an object. `docs/recording.md` tells each field.

A `Talk` is one request and its answer, in the form that recorded provider traffic has: an exchange is one, between a
client and this proxy, and so is each call that it led to, between this proxy and a provider. Readers of that form can
read either, whatever else is beside it.

Times are milliseconds; lengths are bytes.
"""

from typing import Any, Final, Literal

from msgspec import Struct, field

VERSION: Final = 1
EXACT: Final = "exact"
MASKED: Final = "masked"


class Talk(Struct, kw_only=True, omit_defaults=True):
    """One request and its answer."""

    id: str
    source: str
    """Who recorded it: `sidestep VERSION`."""
    provider: str
    endpoint: str
    method: str
    url: str
    request_headers: dict[str, str]
    request_body: Any
    """Parsed; None for what is no JSON."""
    request_text: str | None = None
    """A body that is no JSON."""
    status: int
    """0 where there was no answer."""
    response_headers: dict[str, str]
    response_body: str | None
    response_base64: str | None = None
    """A body that is no UTF-8."""
    stream: bool
    sse: bool
    chunk_lens: list[int]
    model: str
    features: list[str] = field(default_factory=list)
    fidelity: str
    """`exact`, or `masked` where texts are blanked."""


class Call(Talk, kw_only=True, omit_defaults=True):
    """One call to a provider. Times count from `sent_ms`, which counts from the exchange's begin."""

    dialect: str
    sent_ms: float
    head_ms: float | None = None
    """The answer's status and headers; None where there was none."""
    chunk_ms: list[float]
    """Each of `chunk_lens`."""
    ended_ms: float
    end: Literal["whole", "failed", "closed"]
    """The body ended; the connection failed; or we closed it before either."""
    error: str = ""
    """The failure's kind, and its clause."""
    why: str = ""


class Tried(Struct, kw_only=True, omit_defaults=True):
    """An attempt as the answer's headers and the log tell it."""

    target: str
    kind: str
    status: int
    ms: int
    code: str | None = None


class Stopped(Struct):
    """Why the exchange was cancelled, and when: the client left, or the proxy was shut down."""

    kind: str
    status: int
    code: str | None
    message: str
    ms: float


class Line(Talk, kw_only=True, omit_defaults=True):
    """One exchange."""

    recording: Literal[1] = field()
    at: float
    """When it began, in Unix seconds."""
    clock: float
    """The same on the recording process' own clock, in seconds: what it counts by the second begins anew with these."""
    ms: float
    client: str | None = None
    attempts: list[Tried]
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Targets that were not tried, each with its reason."""
    kind: str | None = None
    """The fault's, where it ended in one."""
    code: str | None = None
    translation: str = ""
    cut: bool = False
    """Whether the answer was broken off after its begin."""
    stopped: Stopped | None = None
    before: dict[str, Any] = field(default_factory=dict)
    """What of targets and keys was not as it is at the start of a process, when the exchange began."""
    lost: int = 0
    """Exchanges that could not be written so far."""
    calls: list[Call]
