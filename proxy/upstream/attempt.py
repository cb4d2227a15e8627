"""One attempt at one target: send, classify, hold back until the first content, then pass on.

Everything that goes wrong before the commit is raised as Failure and costs the client nothing; after it, as Broken,
and the client is told in its own dialect that the answer is incomplete. The watchdog watches the upstream alone: while
a slow client is being written to it rests, for that is not the upstream's silence.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct, structs

from proxy.clock import Clock
from proxy.config.values import Target
from proxy.flow import Exchange, Headers
from proxy.jobs import Answered, Job, parse_fault
from proxy.upstream.seam import Call, Cut, Engine, Unreachable, Upstream
from proxy.upstream.timers import Stalled, Watchdog
from proxy.upstream.timings import AttemptTimes
from translators.codec import Pipe
from translators.faults import Failure, Fault, Kind, ProtocolFault, say
from translators.ir import Context, Delta, Failed, Started, Usage, Used
from translators.sse import EventSplitter

ANSWER_LIMIT = 64 * 1024 * 1024
ERROR_LIMIT = 1024 * 1024
RESTING = float("inf")


class Broken(Exception):
    """The answer failed after its commit; `notice` is the client's error event."""

    def __init__(self, fault: Fault, notice: bytes) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.notice = notice


@dataclass(slots=True)
class Seen:
    """What became known of an attempt, filled as it happens; `status` is 0 until the upstream answered."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    usage: Usage | None = None


class Trial(Struct, frozen=True):
    """Everything one attempt needs."""

    exchange: Exchange
    job: Job
    target: Target
    engine: Engine
    call: Call
    times: AttemptTimes
    context: Context
    clock: Clock
    seen: Seen
    tail: Callable[[], bytes]
    """What is said before a stream's regular end, e.g. the metadata a client asked for."""


Commit = Callable[[], Awaitable[None]]
"""Sends the client's status and headers; called once, when a stream's first content is there."""


async def unary(trial: Trial) -> Answered:
    """The whole answer in the client's dialect. Raises Failure."""
    times = trial.times
    try:
        async with Watchdog(times.first_s) as dog:
            dog.limit_at(times.cap_at)
            upstream = await _opened(trial)
            try:
                body = await upstream.read(ANSWER_LIMIT)
            finally:
                await upstream.close()
        answered = trial.job.answer(body, trial.target, trial.context)
    except (Unreachable, Cut, Stalled, ProtocolFault) as error:
        raise Failure(_fault(error, trial)) from None
    trial.seen.usage = answered.usage
    return answered


async def stream(trial: Trial, commit: Commit) -> None:
    """Passes a streamed answer on, to its regular end. Raises Failure before the commit and Broken after it.

    A cancellation after the commit that is not the client's own leaving is told to the client before it goes on.
    """
    pump = _Pump(trial, commit)
    try:
        async with Watchdog(trial.times.first_s) as dog:
            dog.limit_at(trial.times.cap_at)
            upstream = await _opened(trial)
            try:
                await _expect_events(upstream, trial)
                await pump.run(upstream, dog)
            finally:
                await upstream.close()
    except asyncio.CancelledError:
        why = trial.exchange.cancelled
        if pump.committed and why is not None and why.kind is not Kind.CANCELLED:
            await trial.exchange.out.write(pump.pipe.fault(why))
        raise
    except (Unreachable, Cut, Stalled, ProtocolFault, Failure) as error:
        fault = error.fault if isinstance(error, Failure) else _fault(error, trial)
        if pump.committed:
            told = _broken_off(fault, trial.target)
            raise Broken(told, pump.held + pump.pipe.fault(told)) from None
        raise Failure(fault) from None


async def _opened(trial: Trial) -> Upstream:
    """An answer with a success status. Raises Failure for any other."""
    upstream = await trial.engine.send(trial.call)
    seen = trial.seen
    seen.status, seen.headers = upstream.status, upstream.headers
    if 200 <= upstream.status < 300:
        return upstream
    try:
        if 300 <= upstream.status < 400:
            raise Failure(Fault(kind=Kind.PROTOCOL, status=upstream.status, message="it answered with a redirect"))
        body = await upstream.read(ERROR_LIMIT)
    finally:
        await upstream.close()
    raise Failure(parse_fault(trial.target, upstream.status, body))


async def _expect_events(upstream: Upstream, trial: Trial) -> None:
    kind = next((value for name, value in upstream.headers if name == "content-type"), "")
    if kind.partition(";")[0].strip().lower() == "text/event-stream":
        return
    # A JSON body here is nearly always an error dressed as a 200: read it as one.
    body = await upstream.read(ERROR_LIMIT)
    trial.job.answer(body, trial.target, trial.context)
    raise ProtocolFault("it answered a streamed request with something that is no event stream")


class _Pump:
    """Moves one stream from the upstream to the client, holding everything back until the first content."""

    def __init__(self, trial: Trial, commit: Commit) -> None:
        self.pipe: Pipe = trial.job.pipe(trial.target, trial.context)
        self.committed = False
        self._trial = trial
        self._out = trial.exchange.out
        self._commit = commit
        self._held = bytearray()
        """Whole events that the client has not been sent."""
        self._progress_at = trial.clock.now()

    @property
    def held(self) -> bytes:
        return bytes(self._held)

    async def run(self, upstream: Upstream, dog: Watchdog) -> None:
        splitter = EventSplitter()
        feed = self.pipe.feed
        async for chunk in upstream.chunks():
            ready = False
            progress = False
            for event in splitter.feed(chunk):
                deltas, data = feed(event)
                self._held += data
                if deltas:
                    told, moved = self._note(deltas)
                    ready = ready or told
                    progress = progress or moved
            if ready or self.committed:
                dog.rearm(RESTING)
                await self._flush(dog)
            self._rearm(dog, progress=progress)
        deltas, data = self.pipe.close()
        self._note(deltas)
        self._held += self._trial.tail() + data
        dog.rearm(RESTING)
        await self._flush(dog)

    def _note(self, deltas: Sequence[Delta]) -> tuple[bool, bool]:
        """Whether these deltas commit, and whether they are progress. Raises Failure for an error event."""
        ready = progress = False
        seen = self._trial.seen
        for delta in deltas:
            if isinstance(delta, Used):
                seen.usage = delta.usage
            elif isinstance(delta, Failed):
                raise Failure(delta.fault)
            elif not isinstance(delta, Started):
                progress = True
                ready = ready or self.pipe.shows(delta)
        return ready, progress

    async def _flush(self, dog: Watchdog) -> None:
        if not self.committed:
            dog.limit_at(RESTING)  # from the commit on only the exchange's own deadline counts
            await self._commit()
            self.committed = True
        if self._held:
            data = self.held
            self._held.clear()
            await self._out.write(data)

    def _rearm(self, dog: Watchdog, *, progress: bool) -> None:
        """Progress earns `between_s`; a mere sign of life stretches the wait to `idle_s` since the last progress."""
        times = self._trial.times
        now = self._trial.clock.now()
        if progress:
            self._progress_at = now
            dog.rearm(times.between_s)
        else:
            waited = now - self._progress_at
            allowed = times.between_s if self.committed else times.first_s
            dog.rearm(max(0.0, max(allowed, times.idle_s) - waited))


def _broken_off(fault: Fault, target: Target) -> Fault:
    """The fault as it is told after the commit, where no list of targets says whose it is. What speaks of the request
    itself keeps its own words."""
    if fault.outcome.breaker == "success":
        return fault
    message = say(f"{target.name} broke off its answer: {fault.message.rstrip('.')}.")
    return structs.replace(fault, message=message, code="stream_cut")


def _fault(error: Exception, trial: Trial) -> Fault:
    """What a broken transport means, in words that quote nothing of the upstream."""
    status = trial.seen.status
    if isinstance(error, Stalled):
        return Fault(kind=Kind.TIMEOUT, status=status, message="it made no progress in time")
    if isinstance(error, Unreachable):
        return Fault(kind=Kind.CONNECT, status=status, message=f"it could not be reached: {error}")
    return Fault(kind=Kind.PROTOCOL, status=status, message=str(error) or "its answer broke off")
