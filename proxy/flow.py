"""An exchange and the services it flows through.

Push, not pull: a Service gets the exchange and answers on `exchange.out`; a Filter does something around the next
service. One call frame covers the whole exchange, streams included, so a filter's `finally` is the real end.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct, field

from translators.faults import Fault, Kind

if TYPE_CHECKING:
    from asyncio import Task

    from proxy.config.values import Client, Target
    from proxy.tracing import Trace
    from translators.codec import Codec, Envelope
    from translators.ir import Usage

Headers = list[tuple[str, str]]
"""Header pairs, names in lower case, in order, repeats kept."""


class Output(Protocol):
    """The client's side of one exchange. Every send is bounded in time (`client_write_s`)."""

    @property
    def started(self) -> bool:
        """True once the status line is sent: the answer is committed."""

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer at once, content-length set."""

    async def start(self, status: int, headers: Headers, length: int | None = None, first: bytes = b"") -> None:
        """Commits a streamed answer, of `length` bytes where that is known; `first` is part of its body
        that leaves with its head."""

    async def write(self, data: bytes) -> None:
        """Part of a streamed body."""

    def push(self, data: bytes) -> bool:
        """Part of a streamed body, if it can be sent without waiting; False: nothing was."""

    async def finish(self) -> None:
        """The regular end of a streamed body."""

    def abort(self) -> None:
        """Closes the connection with the body unterminated, so that no client takes it for a regular end."""


class Refused(Exception):
    """The exchange ends here with `fault`; the observe filter tells it to the client.

    `retry_after_s` becomes Retry-After; `should_retry` becomes `x-should-retry`, None for none of it; `more` are more
    headers of the answer.
    """

    def __init__(
        self,
        fault: Fault,
        *,
        retry_after_s: float | None = None,
        should_retry: bool | None = False,
        more: Headers | None = None,
    ) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry
        self.more = more


class Downgraded(Exception):
    """A budget gives way: the request is to be served by the model `to` instead, or refused so where that cannot be."""

    def __init__(self, to: str, refusal: Refused) -> None:
        super().__init__(to)
        self.to = to
        self.refusal = refusal


class Unreadable(Refused):
    """The request's head can be read in no way, or in more than one. So nobody knows whose it is, and who sent it is
    told without being asked for a key."""


class Gone(Exception):
    """The client left before its answer was complete."""


class Attempt(Struct):
    """One upstream call, as it is told in headers, logs and errors."""

    target: str
    """`provider/model`."""
    kind: str
    """`ok` or the fault's kind."""
    status: int
    """HTTP status of the upstream, 0 without one."""
    ms: int
    message: str = ""
    code: str | None = None


class Hosted(Struct, frozen=True):
    """What a call may be charged for tools that the provider runs by itself."""

    searches: int
    """So many searches of the web at most."""
    other: str = ""
    """The type of a tool whose fee nobody knows; empty for none."""


class Most(Struct, frozen=True):
    """The most tokens that one call can have: its input, and its answers together. `output` None: it has no bound."""

    input: int
    output: int | None
    tier: str | None = None
    """The tier of service that is asked for."""
    hosted: Hosted | None = None
    """None: nothing but tokens."""


class Fared(Struct, frozen=True):
    """How one of several calls side by side ended."""

    fault: Fault | None
    usage: "Usage | None"
    status: int
    """The provider's; 0 without one."""
    content: bool
    """Whether some of its answer came."""


class Spend(Protocol):
    """What one exchange reserves and is billed, over all of its attempts (`proxy.budgets.spend`)."""

    stays: bool
    """Set where no other model can answer: no budget gives way to one then."""
    bounded: bool
    """Whether the most an answer can cost must be known."""

    def bears(self, target: "Target", body: bytes, fields: Mapping[str, Any], calls: int) -> bool:
        """Whether a conversation's only attempt is paid for by what is in hand; if not, `cover` is to be asked."""

    async def cover(self, target: "Target", most: Most, calls: int = 1) -> Refused | None:
        """Reserves what an attempt can cost. Gives why it may not be made; None where it may."""

    async def further(self, more: int) -> Refused | None:
        """The same for a call that goes on from what the latest one said; its body is so many bytes longer."""

    async def again(self, fault: Fault, usage: "Usage | None", status: int) -> Refused | None:
        """The same where the latest call failed and is to be made again: what it cost, or may have, is lost."""

    def at_most(self, limit: int) -> None:
        """The request may cost so many nano-dollars at most, beside what else holds."""

    def close(
        self, fault: Fault | None, usage: "Usage | None", status: int, content: bool, fared: "Sequence[Fared]" = ()
    ) -> int | None:
        """The attempt has ended; gives what it cost in nano-dollars, None where its price is not known. `fared` are its
        calls, where several were made side by side."""

    def beside(self, tokens: int) -> None:
        """The attempt that was closed used so many tokens, which nothing had bounded."""

    def settle(self) -> None:
        """The exchange has ended; what is called again has nothing to settle."""


class Pace(Protocol):
    """What an exchange has taken of the rates that concern it (`proxy.budgets.rates`)."""

    def settle(self, usage: "Usage | None") -> None:
        """The exchange has ended and used this; None: nobody knows."""


class Who(Struct, frozen=True, cache_hash=True):
    """On whose account an exchange goes; empty where that is not known."""

    client: str = ""
    team: str = ""
    user: str = ""
    task: str = ""


NOBODY = Who()


class Choice(Struct, frozen=True):
    """Which model was chosen for a request that left it open, or that an experiment took, and why."""

    model: str
    """The entry of `[models]` or `[embeddings]`, or `provider/model`."""
    reason: str
    """One clause, for people."""
    strategy: str = ""
    task: str = ""
    score: float | None = None
    """How complex the request looks, 0 to 1; None where that decided nothing."""
    level: str = ""
    """`simple`, `standard` or `complex`."""
    experiment: str = ""
    arm: str = ""
    header: str = ""
    """All of it but the reason, as the answer's header tells it (`proxy.answers.selection_header`)."""


NO_CHOICE = Choice("", "")


class Said(Struct):
    """What a request's headers come to by themselves, each part worked out by whoever needs it and, where the next
    request has the same head, not again. None: not looked at."""

    digest: bytes | None = None
    """SHA-256 of the key that it brings."""
    waits: tuple[float | None, float | None, int] | None = None
    """The seconds that the client gives it, how long the client waits, and the client's count of its own retries."""
    whose: "tuple[Client, Who] | None" = None
    """A client that speaks for nobody else, and on whose account its requests go."""


class Signs(Struct):
    """How an answer ended, noted on its way where its quality is learned from."""

    finishes: list[str] = field(default_factory=list)
    """Of each choice, a `translators.ir.Finish`."""
    declined: bool = False
    """Whether the model said that it will not."""
    body: bytes = b""
    """A whole answer as the client got it."""


class Exchange(Struct, eq=False):
    """One request and all that became known of it. Filters fill it; `observe` tells it."""

    id: str
    route: str
    """One of `proxy.edge.routes.ROUTES`: a bounded label."""
    method: str
    path: str
    headers: dict[str, str]
    """The client's headers, names in lower case (the edge refuses repeats of those that matter)."""
    read: Callable[[], Awaitable[bytes]]
    """Reads the request's body, bounded in size and time; from its end on, the client's leaving cancels the exchange.
    Raises Refused (body_too_large, too slow) or Gone."""
    peer: str
    out: Output
    codec: "Codec"
    """The client's dialect: its errors are told in it."""
    started: float
    """Loop time in seconds."""
    client_wait_s: float | None = None
    """How long this client waits for an answer (`x-request-timeout` or its SDK's read timeout)."""
    deadline: float = 0.0
    commit_by: float = 0.0
    retry_count: int = 0
    """The client SDK's own count of retries (`x-stainless-retry-count`)."""
    client: "Client | None" = None
    who: Who = NOBODY
    spend: Spend | None = None
    """What it reserves and is billed; None where nothing is limited or counted."""
    pace: Pace | None = None
    """What it has taken of the rates that concern it; None where none is configured."""
    payload: Any = None
    """The parsed body."""
    envelope: "Envelope | None" = None
    asked: str = ""
    """The model the client named."""
    choice: Choice | None = None
    """Who was chosen to serve it; None where the client named a model and got it."""
    attempts: list[Attempt] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Targets not tried, each with its reason."""
    provider: str = ""
    model: str = ""
    """Who answered."""
    status: int = 0
    fault: Fault | None = None
    usage: "Usage | None" = None
    budgets: Sequence[str] = ()
    """Budgets that gave way, as the headers tell it."""
    limits: Sequence[tuple[str, str]] = ()
    """Headers by which every answer tells how much of the client's rates is left."""
    cost: int | None = None
    """Nano-dollars that its attempts are billed, as far as prices are known; None where none is."""
    translation: str = ""
    wants_metadata: bool = False
    """Whether the body of the answer is to say what its headers do (`x-sidestep-metadata`)."""
    upstream_id: str = ""
    answer_id: str = ""
    """The answer's own id, where it reached the client as its provider made it."""
    upstream_s: float = 0.0
    """Time spent waiting for upstreams until the commit; the rest was ours."""
    first_token: float = 0.0
    """Loop time of the first content sent; 0 before."""
    own_error: bool = False
    """The fault is Sidestep's own: the roll-back signal."""
    pieces: "Callable[[], AsyncGenerator[bytes, None]] | None" = None
    """The request's body as it comes, instead of `read`: where the route passes bodies through. Size, pauses and memory
    are bounded; raises as `read` does, and at once for a length that is known to be too large."""
    query: str = ""
    """What follows the path's question mark, where the route passes it on."""
    refusal: Refused | None = None
    """What the edge found wrong before any filter ran; `auth` raises it once it knows who asks."""
    signs: Signs | None = None
    """Filled where quality is learned; None: nobody looks."""
    trace: "Trace | None" = None
    """What its spans are made of at its end; None where none are made of any."""
    said: Said = field(default_factory=Said)
    """What is known of its headers."""
    cancelled: Fault | None = None
    """Why the exchange's task was cancelled (client gone, deadline, drain). Who writes a stream tells every kind but
    CANCELLED before it lets the cancellation go on."""

    def __repr__(self) -> str:
        """Neither headers nor body."""
        return f"Exchange({self.id}, {self.route}, {self.status})"


def cancel(exchange: Exchange, task: "Task[None] | None", fault: Fault) -> None:
    """Cancels the exchange's task because of `fault`. The first reason stands: what tells it is not cancelled again."""
    if exchange.cancelled is None and task is not None:
        exchange.cancelled = fault
        task.cancel()


def expire(exchange: Exchange, task: "Task[None] | None") -> None:
    """Cancels the exchange's task because its deadline has passed."""
    seconds = exchange.deadline - exchange.started
    told = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}" if seconds >= 0.001 else "<0.001"
    message = f"No complete answer within the {told} s this request had."
    cancel(exchange, task, Fault(kind=Kind.DEADLINE, code="deadline_exceeded", message=message))


Service = Callable[[Exchange], Coroutine[Any, Any, None]]
Filter = Callable[[Exchange, Service], Coroutine[Any, Any, None]]


Teller = Callable[[str, float], None]
"""Counts and logs an exchange by its id, and when it began (loop time, seconds)."""


class Places(Protocol):
    """Those of exchanges that are served."""

    free: int
    """Less than one: who comes now is not served at once."""

    @property
    def full(self) -> bool:
        """Whether nobody is let in now, and nobody may wait."""


class Turnstile(Struct, frozen=True):
    """How those are answered who come while nobody is let in."""

    places: Places
    service: Service
    """Refuses, and waits for nothing: it needs no task."""
    alike: Callable[[Exchange], Teller] | None = None
    """Gives what tells of further exchanges that ended as this one did; None where more is to be seen of each than the
    service's log and counts."""


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Runs what waits for nothing. Raises RuntimeError where it does wait after all; then it goes no further."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("this may not wait")


def stack(filters: Sequence[Filter], innermost: Service) -> Service:
    """The filters around `innermost`, the first one outermost."""
    service: Service = entry(innermost)
    for one in reversed(filters):
        service = _around(one, service)
    return service


def _around(one: Filter, following: Service) -> Service:
    enter = entry(one)
    return lambda exchange: enter(exchange, following)


C = TypeVar("C", bound=Callable[..., Any])


def entry(one: C) -> C:
    """What to call: an object that can be called costs a frame of the interpreter's own, and its method does not."""
    return one if isinstance(one, FunctionType | MethodType) else getattr(one, "__call__")  # noqa: B004, B009 - mypy
